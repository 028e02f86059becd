import type { ProblemCatalogue } from '#platform';

/** Problems only this app answers. */
export const ORCHESTRATOR_PROBLEMS = {
  'idempotency-key-missing': [400, 'An Idempotency-Key header is required'],
  'fulfilment.not-found': [404, 'There is no such fulfilment'],
  'fulfilment.not-parked': [409, 'The fulfilment is not parked'],
  'fulfilment.resolution-impossible': [409, 'The step cannot be resolved so'],
  'idempotency-key-reused': [422, 'The Idempotency-Key belongs to another command'],
} as const satisfies ProblemCatalogue;
