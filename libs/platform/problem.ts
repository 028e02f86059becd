/** One place in a request that is not acceptable. `path` as in `lines.3.unitPrice`; empty for the whole body. */
export interface Violation {
  readonly path: string;
  readonly message: string;
}

/** RFC 9457 problem details as this system sends them. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  /** The request's correlation id: quote it when asking an operator. */
  readonly traceId: string;
  readonly errors?: readonly Violation[];
  readonly [extra: string]: unknown;
}

/** Throw it anywhere under an HTTP request: it becomes exactly this answer. `code` is stable and public. */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly extra: Readonly<Record<string, unknown>> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(`${code}: ${detail}`);
    this.name = 'ProblemError';
  }

  toDocument(traceId: string): ProblemDocument {
    return {
      type: problemType(this.code),
      title: this.title,
      status: this.status,
      detail: this.detail,
      code: this.code,
      traceId,
      ...this.extra,
    };
  }
}

export const problemType = (code: string): string => `urn:tidemark:problem:${code}`;

export const PROBLEM_CONTENT_TYPE = 'application/problem+json; charset=utf-8';

/** Turns an error an app knows into a problem; undefined when it is not its concern. */
export type ProblemMapper = (error: unknown) => ProblemError | undefined;

/** Codes every app can answer, with their status and title. Apps add their own to the OpenAPI document the same way. */
export const PLATFORM_PROBLEMS = {
  'malformed-request': [400, 'The request cannot be read'],
  'malformed-json': [400, 'The body is not acceptable JSON'],
  'header-invalid': [400, 'A header is not valid'],
  'validation-failed': [400, 'The request is not valid'],
  'not-found': [404, 'There is nothing here'],
  'method-not-allowed': [405, 'The method is not allowed here'],
  'request-timeout': [408, 'The request took too long to arrive'],
  'body-too-large': [413, 'The body is too large'],
  'url-too-long': [414, 'The address is too long'],
  'unsupported-media-type': [415, 'The content type is not supported'],
  'expectation-failed': [417, 'The expectation cannot be met'],
  'header-too-large': [431, 'The headers are too large'],
  'internal-error': [500, 'Something went wrong on our side'],
  overloaded: [503, 'Too much work right now'],
  'shutting-down': [503, 'The server is stopping'],
  unavailable: [503, 'Something needed is not available right now'],
} as const satisfies Record<string, readonly [number, string]>;

export type PlatformProblemCode = keyof typeof PLATFORM_PROBLEMS;

/** A problem of the platform's own list. */
export function platformProblem(
  code: PlatformProblemCode,
  detail: string,
  extra: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): ProblemError {
  const [status, title] = PLATFORM_PROBLEMS[code];
  return new ProblemError(status, code, title, detail, extra, headers);
}
