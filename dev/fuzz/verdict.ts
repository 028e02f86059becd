import type { ApiSurface } from './api-surface.js';
import type { HttpAnswer } from './http-answers.js';

/** What a problem document has, whatever it is about. */
const TEXTS = ['type', 'title', 'detail', 'code', 'traceId'] as const;

/** Refusals that say "not now": of a 5xx, only these are no defect, and only with Retry-After. */
const NOT_NOW = new Set(['overloaded', 'projection-behind', 'query-timeout']);

/** What is wrong with an answer to a hostile request; undefined when nothing is. `mustRefuse`: why it may not be accepted. */
export function faultOf(answer: HttpAnswer, surface: ApiSurface, isHead: boolean, mustRefuse?: string): string | undefined {
  const { status, headers, body } = answer;
  if (status < 400)
    return status >= 200 && status < 300 && mustRefuse !== undefined ? `accepted what is surely invalid: ${mustRefuse}` : undefined;
  const contentType = headers['content-type'] ?? '';
  if (status === 503 && contentType.startsWith('application/json') && (isHead || isReadiness(body))) return undefined;
  if (!contentType.startsWith('application/problem+json')) return `${status} is no problem document but ${contentType || 'nothing'}`;
  if (status === 405 && headers.allow === undefined) return '405 without Allow';
  // Its code cannot be seen, but whether it says when to come back.
  if (isHead) return status >= 500 && !(status === 503 && headers['retry-after'] !== undefined) ? `${status} to a HEAD` : undefined;
  let problem: Record<string, unknown>;
  try {
    problem = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  } catch {
    return `${status} whose body is not JSON`;
  }
  const missing = TEXTS.find((name) => typeof problem[name] !== 'string' || problem[name] === '');
  if (missing !== undefined) return `${status} without ${missing}`;
  const code = String(problem.code);
  if (problem.status !== status) return `${status} says it is ${JSON.stringify(problem.status)}`;
  if (!surface.codes.has(code)) return `${status} with a code nobody documented: ${code}`;
  if (status < 500) return undefined;
  if (!NOT_NOW.has(code)) return `${status} ${code}`;
  return headers['retry-after'] === undefined ? `${status} ${code} without Retry-After` : undefined;
}

/** An API too busy to be ready says so in the form of its health checks, and is not at fault. */
const isReadiness = (body: Buffer): boolean => /^\{"status":"error",.*"details":\{/s.test(body.toString('utf8'));
