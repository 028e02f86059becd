import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import type { Pool } from 'pg';
import { isObservable, lastValueFrom } from 'rxjs';

import { BatchProcessor } from './batch-processor.js';
import type { BatchConsumer, BatchProducer, Broker, BrokerAdmin, PartitionLag } from './broker.js';
import { CloudEventsCodec, type EventCodec } from './cloud-events.codec.js';
import { ConsumerDeadLetters, type Resolution } from './consumer-dead-letters.js';
import { DeadLetterPublisher } from './dead-letter-publisher.js';
import type { EventBatch } from './event-batch.js';
import type { IncomingMessage } from './event-message.js';
import type { MessagingLogger } from './messaging-logger.js';
import { DEFAULT_RETRY, type RetryPolicy, type Stall } from './retry-schedule.js';

export interface BatchConsumerOptions {
  readonly broker: Broker;
  /** Consumer group; also the name under which streams are parked. */
  readonly groupId: string;
  /** Keeps dead letters and parked streams; needs two free connections while a stream is released. */
  readonly pool: Pool;
  readonly logger: MessagingLogger;
  /** The consumer cannot go on in this process: end it, the supervisor starts another. */
  onFatal(error: Error): void;
  /** Only handlers with this transport id in their `@EventPattern(topic, id)`, and those without any; for apps with several groups. */
  readonly transportId?: symbol;
  readonly codec?: EventCodec;
  /** Partitions handled at the same time; default 1. */
  readonly partitionsConsumedConcurrently?: number;
  /** Most events a handler gets at once; default 1,000. */
  readonly maxBatchSize?: number;
  readonly retry?: Partial<RetryPolicy>;
  /** A partition failing for so long makes the consumer unhealthy, ms; default 10,000. A gap does at once. */
  readonly unhealthyAfterMs?: number;
}

export interface ConsumerHealth {
  readonly healthy: boolean;
  readonly group: string;
  readonly connected: boolean;
  readonly assignedPartitions: number;
  /** Last batch applied, ISO 8601; null before the first. */
  readonly lastBatchAt: string | null;
  readonly lastFetchAt: string | null;
  /** Partitions that do not get on, and why. */
  readonly stalled: readonly Stall[];
  readonly parkedStreams: number;
}

/**
 * Nest transport over batches: `@EventPattern(TOPICS.order)` registers a handler that gets an {@link EventBatch}. Several handlers of one
 * topic run one after the other, and a batch is done when all of them are. What happens to failures: see BatchProcessor.
 */
export class BatchConsumerStrategy extends Server implements CustomTransportStrategy {
  /** Nest must not log what we log, and retry. */
  override readonly propagatesEventHandlerErrors = true;
  readonly deadLetters: ConsumerDeadLetters;
  private readonly handlers = new Map<string, MessageHandler[]>();
  private readonly codec: EventCodec;
  private readonly processor: BatchProcessor;
  private readonly retry: RetryPolicy;
  private consumer: BatchConsumer | undefined;
  private deadLetterProducer: Promise<BatchProducer> | undefined;
  private admin: BrokerAdmin | undefined;
  private stopping: Promise<void> | undefined;
  private fatalError: Error | undefined;

  constructor(private readonly options: BatchConsumerOptions) {
    super();
    if (options.transportId !== undefined) this.transportId = options.transportId;
    const { groupId, pool, logger } = options;
    this.codec = options.codec ?? new CloudEventsCodec();
    this.retry = { ...DEFAULT_RETRY, ...options.retry };
    const publisher = new DeadLetterPublisher(groupId, () => this.producer());
    this.deadLetters = new ConsumerDeadLetters({ pool, groupId, publish: (letters) => publisher.publish(letters) });
    this.processor = new BatchProcessor({
      groupId,
      codec: this.codec,
      deadLetters: this.deadLetters,
      handlerOf: () => (batch) => this.dispatch(batch),
      retry: this.retry,
      maxBatchSize: options.maxBatchSize ?? 1_000,
      logger,
      onFatal: (error) => this.fatal(error),
    });
  }

  override addHandler(pattern: unknown, callback: MessageHandler, isEventHandler = false, extras: Record<string, unknown> = {}): void {
    if (!isEventHandler) throw new Error(`${String(pattern)}: a batch consumer answers nobody, use @EventPattern`);
    callback.isEventHandler = true;
    callback.extras = extras;
    const topic = this.normalizePattern(pattern as string);
    this.handlers.set(topic, [...(this.handlers.get(topic) ?? []), callback]);
    this.messageHandlers.set(topic, callback);
  }

  /** Does not wait for the broker: an app starts without it, and says so in {@link health}. */
  listen(callback: (error?: unknown) => void): void {
    const { broker, groupId, partitionsConsumedConcurrently } = this.options;
    const topics = [...this.handlers.keys()];
    if (topics.length === 0) {
      callback(new Error(`consumer group ${groupId} has no @EventPattern handler`));
      return;
    }
    this.consumer = broker.createConsumer({
      groupId,
      topics,
      ...(partitionsConsumedConcurrently === undefined ? {} : { partitionsConsumedConcurrently }),
      onBatch: (batch, control) => this.processor.process(batch, control),
      onAssigned: () => this.processor.reassigned(),
      onFatal: (error) => this.fatal(error),
    });
    this.consumer.start().catch((error: Error) => this.fatal(error));
    callback();
  }

  /** Finishes the running batches, commits and leaves the group; handlers are not called after it. Called again it does nothing. */
  async stop(): Promise<void> {
    this.stopping ??= (async () => {
      await this.consumer?.stop();
      // One that could not be made told whoever wanted it, and left nothing to be closed.
      const producer = await this.deadLetterProducer?.catch(() => undefined);
      await Promise.all([producer?.close(), this.admin?.close()]);
    })();
    await this.stopping;
  }

  close(): Promise<void> {
    return this.stop();
  }

  /** For a readiness check: the details, or throws with what is wrong. */
  async check(): Promise<ConsumerHealth> {
    const health = this.health();
    if (health.healthy) return health;
    const reasons = health.stalled.map(({ topic, partition, since, reason }) => `${topic}[${partition}] stands since ${since}: ${reason}`);
    throw new Error(health.connected ? reasons.join('; ') : `consumer group ${health.group} is not connected`);
  }

  health(): ConsumerHealth {
    const state = this.consumer?.state();
    const stalled = this.processor.stalls.list();
    const limit = this.options.unhealthyAfterMs ?? 10_000;
    const connected = state?.joined ?? false;
    return {
      healthy: connected && stalled.every(({ forMs, gap }) => !gap && forMs < limit),
      group: this.options.groupId,
      connected,
      assignedPartitions: state?.assignedPartitions ?? 0,
      lastBatchAt: this.processor.lastBatch,
      lastFetchAt: state?.lastFetchAt ?? null,
      stalled,
      parkedStreams: this.processor.parkedCount,
    };
  }

  /** What the group has not committed yet, by partition of the topics it listens to. */
  async lag(): Promise<PartitionLag[]> {
    const admin = this.admin ?? this.options.broker.admin();
    this.admin = undefined;
    try {
      const lags = await admin.groupLag(this.options.groupId, [...this.handlers.keys()]);
      // Kept for the next time only when it works, and not by a consumer that is gone.
      if (this.stopping === undefined) this.admin ??= admin;
      return lags;
    } finally {
      if (this.admin !== admin) await admin.close();
    }
  }

  /**
   * Delivers the dead letters of a stream through the same handlers and lets the stream go on; answers how many events that were.
   * Throws what the handler or the codec still has against them (the stream stays parked), or NotHeldError.
   */
  async release(streamId: string, resolution: Resolution): Promise<number> {
    const delivered = await this.deadLetters.release(streamId, resolution, (messages) => this.redeliver(messages));
    this.processor.released(streamId);
    this.options.logger.info({ event: 'consumer.released', group: this.options.groupId, streamId, delivered, by: resolution.by });
    return delivered;
  }

  /** Delivers a dead letter that belongs to no stream through the same handlers. Throws like {@link release}. */
  async releaseAlone(id: number, resolution: Resolution): Promise<void> {
    await this.deadLetters.releaseAlone(id, resolution, (messages) => this.redeliver(messages));
    this.options.logger.info({ event: 'consumer.released', group: this.options.groupId, letter: id, delivered: 1, by: resolution.by });
  }

  /** Part of Nest's Server: there are no transport events to subscribe to; see {@link health}. */
  on(): never {
    throw new Error('the batch consumer emits no events');
  }

  unwrap<T>(): T {
    return this.consumer as T;
  }

  private async redeliver(messages: readonly IncomingMessage[]): Promise<void> {
    const [first, last] = [messages[0], messages.at(-1)];
    if (first === undefined || last === undefined) return;
    const events = messages.map((message) => this.codec.decode(message));
    const { topic, partition } = first;
    await this.dispatch({ topic, partition, messages: events, firstOffset: first.offset, lastOffset: last.offset });
  }

  private async dispatch(batch: EventBatch): Promise<void> {
    for (const handler of this.handlers.get(batch.topic) ?? []) {
      const result: unknown = await handler(batch);
      if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined }).catch(unmask);
    }
  }

  /** One for all, also for those who want it while it is made. */
  private producer(): Promise<BatchProducer> {
    this.deadLetterProducer ??= this.options.broker.createProducer({ maxMessageBytes: 2_000_000 }).catch((error: unknown) => {
      this.deadLetterProducer = undefined;
      throw error;
    });
    return this.deadLetterProducer;
  }

  private fatal(error: Error): void {
    if (this.fatalError !== undefined) return;
    this.fatalError = error;
    this.options.logger.error({ event: 'consumer.fatal', group: this.options.groupId, detail: error.message });
    this.options.onFatal(error);
  }
}

/** Nest replaces what it does not know, after logging it. */
function unmask(thrown: unknown): never {
  if (thrown instanceof Error) throw thrown;
  throw new Error('the handler failed; Nest has logged why (use HandlerErrorFilter to see it here)');
}
