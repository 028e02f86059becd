import kafkajs, { type LogEntry, type logCreator } from 'kafkajs';
import type { Logger } from 'pino';

const { logLevel } = kafkajs;

/** As much of a logger as this room uses. */
export type MessagingLogger = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/**
 * Normal life that kafkajs reports as ERROR or WARN: a coordinator still loading after a broker start, a group rebalancing, and the
 * warning about our bounded retries (we make a new producer after each failed send, which is what it asks for).
 */
const EXPECTED =
  /coordinator is not available|coordinator is loading|not the (correct )?coordinator|is rebalancing|rebalance is needed|rejoin is needed|Limiting retries for the idempotent producer/i;

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
