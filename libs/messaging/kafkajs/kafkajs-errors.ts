/** What a failed send of kafkajs means for the messages of it. */
export type SendFailure = 'too-large' | 'invalid' | 'passing';

const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);
/** The broker looked at the records and refuses them as they are. Not INVALID_TIMESTAMP: that is our clock, and every message has it. */
const INVALID = new Set(['INVALID_RECORD', 'UNSUPPORTED_FOR_MESSAGE_FORMAT']);
/** For a moment after a topic was created or its leader moved. */
const UNSETTLED = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
]);
/** What kafkajs ends a consumer for that only says the broker is away. */
const BROKER_AWAY = new Set([
  'KafkaJSBrokerNotFound',
  'KafkaJSConnectionClosedError',
  'KafkaJSConnectionError',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSRequestTimeoutError',
]);

/**
 * Poison or passing, by the broker's error type. Whatever is not known to be the messages' own fault is passing: trying again costs
 * a duplicate at worst, calling a good message poison would park its stream.
 */
export function classifySendFailure(error: unknown): SendFailure {
  for (const { type } of causes(error)) {
    if (TOO_LARGE.has(String(type))) return 'too-large';
    if (INVALID.has(String(type))) return 'invalid';
  }
  return 'passing';
}

/** The cluster is still making up its mind who leads: ask again. */
export function isUnsettled(error: unknown): boolean {
  return causes(error).some(({ type, name }) => UNSETTLED.has(String(type)) || name === 'KafkaJSGroupCoordinatorNotFound');
}

/** The broker cannot be reached; kafkajs calls some forms of that not retriable. */
export function isBrokerAway(error: unknown): boolean {
  return causes(error).some(({ name }) => BROKER_AWAY.has(String(name)));
}

/** kafkajs wraps errors in `cause`, sometimes several times. */
function causes(error: unknown): { type?: unknown; name?: unknown }[] {
  const chain: { type?: unknown; name?: unknown }[] = [];
  let current: unknown = error;
  while (typeof current === 'object' && current !== null && chain.length < 10) {
    chain.push(current);
    current = (current as { cause?: unknown }).cause;
  }
  return chain;
}
