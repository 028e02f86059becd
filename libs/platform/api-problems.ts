import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { PLATFORM_PROBLEMS, problemType } from './problem.js';

export const PROBLEM_SCHEMA = {
  type: 'object',
  description: 'RFC 9457 problem details. `code` is stable; `traceId` is the correlation id of the request.',
  required: ['type', 'title', 'status', 'detail', 'code', 'traceId'],
  properties: {
    type: { type: 'string', format: 'uri', examples: [problemType('validation-failed')] },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string' },
    code: { type: 'string', examples: ['validation-failed'] },
    traceId: { type: 'string' },
    errors: {
      type: 'array',
      description: 'Every place that is not acceptable (at most 50).',
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: { path: { type: 'string', examples: ['lines.0.unitPrice'] }, message: { type: 'string' } },
      },
    },
  },
  additionalProperties: true,
} as const;

/** Code → status and title, like PLATFORM_PROBLEMS. */
export type ProblemCatalogue = Readonly<Record<string, readonly [status: number, title: string]>>;

const HEADERS: Readonly<Record<number, Record<string, object>>> = {
  405: { Allow: { description: 'The methods that exist here.', schema: { type: 'string' } } },
  409: { 'Retry-After': { description: 'Seconds to wait; only with codes that go away by themselves.', schema: { type: 'string' } } },
  412: { ETag: { description: 'What it is now.', schema: { type: 'string' } } },
  503: { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'string' } } },
};

/**
 * Documents the problems an operation can answer, one response a status, its codes as examples. Codes are looked up in the app's
 * catalogue, then in the platform's; one that is in neither does not compile into a document: it throws at start.
 * `headers` are those an app adds, by status.
 */
export function apiProblems(
  catalogue: ProblemCatalogue,
  codes: readonly string[],
  headers: Readonly<Record<number, Record<string, object>>> = {},
): MethodDecorator & ClassDecorator {
  const byStatus = new Map<number, [code: string, title: string][]>();
  for (const code of codes) {
    const entry = catalogue[code] ?? (PLATFORM_PROBLEMS as ProblemCatalogue)[code];
    if (entry === undefined) throw new Error(`problem code ${code} is in no catalogue`);
    byStatus.set(entry[0], [...(byStatus.get(entry[0]) ?? []), [code, entry[1]]]);
  }
  return applyDecorators(
    ...[...byStatus].map(([status, problems]) =>
      ApiResponse({
        status,
        description: problems.map(([code, title]) => `\`${code}\`: ${title}.`).join(' '),
        headers: { ...HEADERS[status], ...headers[status] } as never,
        content: {
          'application/problem+json': {
            schema: { $ref: '#/components/schemas/Problem' },
            examples: Object.fromEntries(
              problems.map(([code, title]) => [
                code,
                { value: { type: problemType(code), title, status, detail: title, code, traceId: '0190a5e2-7b1c-7000-8000-000000000000' } },
              ]),
            ),
          },
        },
      }),
    ),
  );
}
