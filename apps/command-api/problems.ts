import { platformProblem, ProblemError, type ProblemCatalogue } from '#platform';

/** Beside the platform's own, every problem this API answers. Codes with a dot are the domain's. */
export const PROBLEMS = {
  'idempotency-key-missing': [400, 'The Idempotency-Key header is missing'],
  'header-invalid': [400, 'A header is not acceptable'],
  'command-running': [409, 'A command with this Idempotency-Key is still running'],
  'concurrent-change': [409, 'Others changed it at the same time'],
  'precondition-failed': [412, 'It stands at another version'],
  'idempotency-key-reused': [422, 'The Idempotency-Key belongs to another command'],
  'too-many-requests': [429, 'Too many commands are waiting for the same thing'],
  'order.not-found': [404, 'It does not exist'],
  'order.total-too-large': [409, 'A business rule refuses this'],
  'order.too-many-pieces': [409, 'A business rule refuses this'],
  'order.too-large': [409, 'A business rule refuses this'],
  'order.already-rejected': [409, 'A business rule refuses this'],
  'stock.not-found': [404, 'It does not exist'],
  'stock.below-zero': [409, 'A business rule refuses this'],
  'stock.below-reserved': [409, 'A business rule refuses this'],
  'stock.total-too-large': [409, 'A business rule refuses this'],
} as const satisfies ProblemCatalogue;

const problem = (
  code: keyof typeof PROBLEMS,
  detail: string,
  extra: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): ProblemError => new ProblemError(PROBLEMS[code][0], code, PROBLEMS[code][1], detail, extra, headers);

/** Seconds. Such a command takes milliseconds; a second is the shortest a client can be told. */
const SOON = { 'Retry-After': '1' };

/** Seconds. About what a full lane takes to carry out. */
const LATER = { 'Retry-After': '2' };

export const idempotencyKeyMissing = (): ProblemError =>
  problem('idempotency-key-missing', 'Send an Idempotency-Key, the same for every repeat of one command, so that it happens once.');
export const headerInvalid = (name: string, expected: string): ProblemError =>
  problem('header-invalid', `${name} must be ${expected}.`, { header: name });
export const commandRunning = (): ProblemError =>
  problem('command-running', 'A command with this key is being carried out; ask again in a moment.', {}, SOON);
export const concurrentChange = (): ProblemError =>
  problem('concurrent-change', 'Nothing was done, because it kept changing meanwhile; try again.', {}, SOON);
export const preconditionFailed = (version: number): ProblemError =>
  problem('precondition-failed', `It stands at version ${version}.`, { version }, version > 0 ? { ETag: `"${version}"` } : {});
export const idempotencyKeyReused = (): ProblemError =>
  problem('idempotency-key-reused', 'The key was used before with another method, path or body; take a new key for a new command.');
export const notFound = (code: 'order.not-found' | 'stock.not-found', detail: string): ProblemError => problem(code, detail);
/** One order or SKU is asked for faster than its commands, which must wait for each other, can be carried out. */
export const tooManyRequests = (waiting: number): ProblemError =>
  problem('too-many-requests', `${waiting} commands are waiting for this one order or SKU; send fewer of them at a time.`, {}, LATER);
/** This process has as much work as it may hold, whatever it is for. */
export const tooManyWaiting = (): ProblemError =>
  platformProblem('overloaded', 'Too many commands are waiting; try again in a moment.', {}, SOON);
