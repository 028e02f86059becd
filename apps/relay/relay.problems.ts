import type { ProblemCatalogue } from '#platform';

/** Problems only this app answers. */
export const RELAY_PROBLEMS = {
  'dead-letter-not-found': [404, 'There is no such dead letter'],
} as const satisfies ProblemCatalogue;
