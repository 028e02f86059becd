import { ProblemError, type ProblemCatalogue } from '#platform';

import { NotHeldError } from '../consumer-dead-letters.js';
import { isRefusal } from './consumer-operator.js';

/** What inspecting, releasing and discarding may run into. */
export const DEAD_LETTER_PROBLEMS = {
  'dead-letter-not-found': [404, 'There is no such dead letter'],
  'dead-letter-not-held': [404, 'No such dead letter is held'],
  'stream-not-releasable': [409, 'The stream cannot go on yet'],
} as const satisfies ProblemCatalogue;

/** For an app's `problems`. */
export function deadLetterProblem(error: unknown): ProblemError | undefined {
  if (error instanceof NotHeldError) return problem('dead-letter-not-held', error.message);
  return isRefusal(error) ? problem('stream-not-releasable', error.message) : undefined;
}

export function problem(code: keyof typeof DEAD_LETTER_PROBLEMS, detail: string): ProblemError {
  const [status, title] = DEAD_LETTER_PROBLEMS[code];
  return new ProblemError(status, code, title, detail);
}
