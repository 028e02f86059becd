export * from './outbox-row.js';
export * from './outbox-publisher.js';
export { OUTBOX_CHANNEL, OutboxNotifier, type OutboxNotifierOptions } from './outbox-notifier.js';
export { OutboxListener, type OutboxListenerOptions } from './outbox-listener.js';
export { OutboxRelay, type OutboxRelayOptions, type RelayHealth, type RelayPass } from './outbox-relay.js';
export { relayClient } from './relay-session.js';
export { SHARD_COUNT } from './shard-locks.js';
export { OutboxBacklog, type Backlog, type HeldLetters } from './outbox-backlog.js';
export {
  OutboxDeadLetters,
  type DeadLetter,
  type ActByFilter,
  type BlockedStream,
  type DeadLetterAction,
  type DeadLetterFilter,
  type InspectedDeadLetter,
  type OperatorDecision,
} from './outbox-dead-letters.js';
