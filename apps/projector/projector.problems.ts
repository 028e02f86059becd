import { GapError, NotHeldError, PoisonEventError, PoisonMessageError } from '#messaging';
import { ProblemError, type ProblemCatalogue } from '#platform';

/** Problems only this app answers. */
export const PROJECTOR_PROBLEMS = {
  'dead-letter-not-held': [404, 'No such dead letter is held'],
  'stream-not-releasable': [409, 'The stream cannot go on yet'],
} as const satisfies ProblemCatalogue;

/** What releasing and discarding may run into. */
export function projectorProblem(error: unknown): ProblemError | undefined {
  if (error instanceof NotHeldError) return problem('dead-letter-not-held', error);
  if (error instanceof PoisonEventError || error instanceof PoisonMessageError || error instanceof GapError) {
    return problem('stream-not-releasable', error);
  }
  return undefined;
}

function problem(code: keyof typeof PROJECTOR_PROBLEMS, error: Error): ProblemError {
  const [status, title] = PROJECTOR_PROBLEMS[code];
  return new ProblemError(status, code, title, error.message);
}
