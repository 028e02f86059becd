export interface ApiSurface {
  readonly name: string;
  readonly url: string;
  /** Path templates with the methods that exist there. */
  readonly paths: ReadonlyArray<{ readonly template: string; readonly methods: readonly string[]; readonly query: readonly string[] }>;
  /** Every problem code the document names. */
  readonly codes: ReadonlySet<string>;
}

interface OpenApi {
  readonly paths: Record<string, Record<string, Operation>>;
}

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly responses: Record<string, { readonly content?: Record<string, { readonly examples?: Record<string, unknown> }> }>;
}

const PROBLEM = 'application/problem+json';

/** What an API says of itself: the addresses to be attacked, and what it may answer. */
export async function apiSurface(name: string, url: string): Promise<ApiSurface> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApi;
  const codes = new Set<string>(EVERYWHERE);
  const paths = Object.entries(document.paths).map(([template, operations]) => {
    const query = new Set<string>();
    for (const { parameters = [], responses } of Object.values(operations)) {
      for (const parameter of parameters) if (parameter.in === 'query') query.add(parameter.name);
      for (const { content } of Object.values(responses)) {
        for (const code of Object.keys(content?.[PROBLEM]?.examples ?? {})) codes.add(code);
      }
    }
    return { template, methods: Object.keys(operations).map((method) => method.toUpperCase()), query: [...query] };
  });
  return { name, url, paths, codes };
}

/** Answers that belong to no operation: no such address, no such method there, nothing that is HTTP. */
const EVERYWHERE = [
  'not-found',
  'method-not-allowed',
  'malformed-request',
  'header-too-large',
  'request-timeout',
  'url-too-long',
  'expectation-failed',
  'overloaded',
];
