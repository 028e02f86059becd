import kafkajs, { type LogEntry, type logCreator } from 'kafkajs';

import type { MessagingLogger } from '../messaging-logger.js';

const { logLevel } = kafkajs;

/**
 * Normal life that kafkajs reports as ERROR or WARN: a coordinator still loading after a broker start, a group rebalancing, a warning
 * about our bounded retries (we make a new producer after each failed send, which is what it asks for); and the single tries of
 * connecting and sending, several a second while a broker is away, whose outcome our producer and consumer report.
 */
const EXPECTED = new RegExp(
  [
    'coordinator is (not available|loading)|not the (correct )?coordinator|not the leader',
    'is rebalancing|rebalance is needed|rejoin is needed|not aware of this member',
    'Limiting retries for the idempotent producer',
    'Connection (error|timeout)|Closed connection|Failed to connect|Failed to send messages|Crash:|Restarting the consumer',
  ].join('|'),
  'i',
);

/**
 * kafkajs speaks through our log: one stable event name, never a stack or a payload. Its ERROR becomes a warning, because each attempt
 * of a retry logs one; what really failed is reported by our producer and consumer. Its everyday chatter is at debug.
 */
export function kafkaJsLog(logger: MessagingLogger): logCreator {
  return () =>
    ({ level, namespace, log }: LogEntry) => {
      const { message, error, broker, groupId, clientId, topic, partition } = log as LogEntry['log'] & Record<string, unknown>;
      const entry = {
        event: 'kafka.client',
        namespace,
        detail: typeof error === 'string' ? `${message}: ${error}` : message,
        broker,
        groupId,
        clientId,
        topic,
        partition,
      };
      const notable = level === logLevel.ERROR || level === logLevel.WARN;
      logger[notable && !EXPECTED.test(entry.detail) ? 'warn' : 'debug'](entry);
    };
}
