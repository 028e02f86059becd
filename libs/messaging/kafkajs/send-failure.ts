/** What a failed send of kafkajs means for the messages of it. */
export type SendFailure = 'too-large' | 'invalid' | 'passing';

const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);
/** The broker looked at the records and refuses them as they are. Not INVALID_TIMESTAMP: that is our clock, and every message has it. */
const INVALID = new Set(['INVALID_RECORD', 'UNSUPPORTED_FOR_MESSAGE_FORMAT']);

/**
 * Poison or passing, by the broker's error type. Whatever is not known to be the messages' own fault is passing: trying again costs
 * a duplicate at worst, calling a good message poison would park its stream.
 */
export function classifySendFailure(error: unknown): SendFailure {
  for (const type of protocolErrorTypes(error)) {
    if (TOO_LARGE.has(type)) return 'too-large';
    if (INVALID.has(type)) return 'invalid';
  }
  return 'passing';
}

/** kafkajs wraps errors in `cause`, sometimes several times. */
function* protocolErrorTypes(error: unknown): Generator<string> {
  let current: unknown = error;
  for (let depth = 0; depth < 10 && typeof current === 'object' && current !== null; depth += 1) {
    const { type, cause } = current as { type?: unknown; cause?: unknown };
    if (typeof type === 'string') yield type;
    current = cause;
  }
}

export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
