import { createRequire } from 'node:module';
import type { Consumer, ConsumerConfig, RetryOptions } from 'kafkajs';

// kafkajs's own consumer, below the part that needs a network: package-private, but the version is pinned and specs notice a change.
const require = createRequire(import.meta.url);

interface InternalConsumerConfig extends ConsumerConfig {
  readonly cluster: unknown;
  readonly logger: unknown;
  readonly retry: RetryOptions;
  readonly metadataMaxAge: number;
}

export const createKafkaJsConsumer = require('kafkajs/src/consumer/index.js') as (config: InternalConsumerConfig) => Consumer;

interface KafkaJsErrors {
  readonly KafkaJSProtocolError: new (error: { type: string; code: number; retriable: boolean; message: string }) => Error;
  readonly KafkaJSConnectionError: new (message: string, about: { broker: string; code: string }) => Error;
  readonly KafkaJSConnectionClosedError: new (message: string, about: { host: string; port: number }) => Error;
}

const errors = require('kafkajs/src/errors.js') as KafkaJsErrors;

const CODES = { ILLEGAL_GENERATION: 22, UNKNOWN_MEMBER_ID: 25, REBALANCE_IN_PROGRESS: 27 } as const;

/** What the coordinator answers instead. */
export const protocolError = (type: keyof typeof CODES): Error =>
  new errors.KafkaJSProtocolError({ type, code: CODES[type], retriable: false, message: type });

export const connectionRefused = (): Error =>
  new errors.KafkaJSConnectionError('Connection error: connect ECONNREFUSED 127.0.0.1:9092', {
    broker: 'memory:9092',
    code: 'ECONNREFUSED',
  });

export const connectionClosed = (): Error => new errors.KafkaJSConnectionClosedError('Closed connection', { host: 'memory', port: 9092 });
