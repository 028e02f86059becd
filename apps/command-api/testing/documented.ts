import type { Answer } from './test-api.js';

interface Schema {
  $ref?: string;
  required?: string[];
  properties?: Record<string, Schema>;
}
interface Documented {
  headers?: Record<string, unknown>;
  content?: Record<string, { schema?: Schema; examples?: Record<string, unknown> }>;
}
export interface OpenApi {
  paths: Record<string, Record<string, { responses: Record<string, Documented> }>>;
  components: { schemas: Record<string, Schema> };
}

/** Headers with a meaning in this API: answered ones must be documented ones. */
const MEANINGFUL = ['etag', 'consistency-token', 'location', 'idempotency-replayed', 'retry-after'];

/** Where an answer is not what the document says: its route, status, content type, headers, fields or problem code. */
export function undocumented(document: OpenApi, answer: Answer): string[] {
  const what = `${answer.method} ${answer.path} → ${answer.status}`;
  const operation = operationOf(document, answer);
  if (operation === undefined) return answer.status === 404 || answer.status === 405 ? [] : [`${what}: no such operation`];
  const response = operation.responses[answer.status];
  if (response === undefined) return [`${what} ${answer.body?.code ?? ''}: no such status`];
  const complaints: string[] = [];
  const headers = new Set(Object.keys(response.headers ?? {}).map((name) => name.toLowerCase()));
  for (const name of MEANINGFUL) if (answer.headers.has(name) && !headers.has(name)) complaints.push(`${what}: header ${name}`);
  if (answer.text === '') return complaints;
  const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
  const content = response.content?.[type];
  if (content === undefined) return [...complaints, `${what}: content type ${type}`];
  if (answer.body !== undefined)
    complaints.push(...fieldComplaints(document, content.schema ?? {}, answer.body).map((text) => `${what}: ${text}`));
  if (type === 'application/problem+json' && !(answer.body.code in (content.examples ?? {}))) {
    complaints.push(`${what}: code ${answer.body.code}`);
  }
  return complaints;
}

function operationOf({ paths }: OpenApi, { method, path }: Answer): { responses: Record<string, Documented> } | undefined {
  const bare = path.split('?')[0] ?? '';
  const known = Object.keys(paths).find((pattern) => new RegExp(`^${pattern.replace(/\{\w+\}/g, '[^/]+')}$`).test(bare));
  return known === undefined ? undefined : paths[known]?.[method.toLowerCase()];
}

function fieldComplaints(document: OpenApi, schema: Schema, body: Record<string, unknown>): string[] {
  const resolved = schema.$ref === undefined ? schema : (document.components.schemas[schema.$ref.split('/').at(-1) as string] ?? {});
  const missing = (resolved.required ?? []).filter((name) => !(name in body)).map((name) => `field ${name} is missing`);
  const isProblem = schema.$ref?.endsWith('/Problem') ?? false;
  const extra = isProblem
    ? []
    : Object.keys(body)
        .filter((name) => !(name in (resolved.properties ?? {})))
        .map((name) => `field ${name} is not documented`);
  return [...missing, ...extra];
}
