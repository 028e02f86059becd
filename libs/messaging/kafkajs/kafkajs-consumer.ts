import { setTimeout as sleep } from 'node:timers/promises';

import type { Consumer, ConsumerConfig, EachBatchPayload, KafkaMessage } from 'kafkajs';

import type { BatchConsumer, BatchOutcome, ConsumerOptions, ConsumerState } from '../broker.js';
import type { HeaderValue, IncomingMessage } from '../event-message.js';
import { asError, type MessagingLogger } from '../messaging-logger.js';
import type { BrokerNames } from '../topics.js';
import { retryFailedJoins } from './failed-join.patch.js';
import { isBrokerAway, isUnsettled } from './kafkajs-errors.js';
import { OffsetCommits } from './offset-commits.js';

export interface KafkaJsConsumerOptions extends ConsumerOptions {
  /** A fresh kafkajs consumer on a client of its own. */
  createConsumer(config: ConsumerConfig): Consumer;
  readonly names: BrokerNames;
  readonly logger: MessagingLogger;
}

const MEBIBYTE = 1_048_576;
/** No event of any kind from kafkajs for so long, with no batch running: it has silently stopped. */
const SILENCE_IS_FATAL_MS = 90_000;
const STOP_DEADLINE_MS = 5_000;
/** kafkajs cannot call off a join: whoever stops during one waits so long for it, and leaves the group properly then. */
const JOIN_DEADLINE_MS = 3_000;
/** A fetch answers within its longest wait; without one for so long, and with no batch running, the broker is away. */
const FETCHES_WITHIN_MS = 5_000;

/**
 * kafkajs's batch consumer, made dependable:
 * - nothing we throw reaches kafkajs (a TypeError there stops the consumer for good while the process lives on)
 * - heartbeats go on while a handler works; when the group rebalances meanwhile, the batches still queued are given up at once
 * - a batch to be tried later pauses its partition only; the others go on
 * - offsets are committed after the work, at most every 250 ms, before a rejoin and before leaving
 * - a connection on which a request got no answer in time is given up with all others (kafkajs keeps it, and sends the next one into it)
 * - a join that failed is tried again before anything is fetched (kafkajs goes on by its old assignment)
 * - it comes back by itself while the broker is away; any other crash that kafkajs will not restart from, and silence, end in `onFatal`
 */
export class KafkaJsConsumer implements BatchConsumer {
  private consumer: Consumer | undefined;
  private stopping = false;
  private joined = false;
  /** Ends when the first join of a (re)started consumer is over, one way or the other. */
  private joining: Promise<void> | undefined;
  private endJoining: () => void = () => undefined;
  private assignedPartitions = 0;
  /** Of a clock that does not jump, like all that decides here; for people the same moment by the wall. */
  private lastFetchAt: number | undefined;
  private lastFetchByTheWall: string | null = null;
  private lastEventAt = performance.now();
  private running = new Set<Promise<void>>();
  private commits: OffsetCommits;
  private partitionsReady: Promise<void> | undefined;
  /** Why this membership is over; until the next fetch no queued batch is worked on. */
  private membershipOver: Error | undefined;
  private membership = new AbortController();
  private readonly stopped = new AbortController();
  private readonly resumeTimers = new Set<NodeJS.Timeout>();
  private watchdog: NodeJS.Timeout | undefined;
  private away = false;
  private announceJoin: () => void = () => undefined;
  private readonly firstJoin = new Promise<void>((resolve) => (this.announceJoin = resolve));

  /** Patches kafkajs's joins; throws when it does not know this kafkajs. */
  constructor(private readonly options: KafkaJsConsumerOptions) {
    retryFailedJoins();
    this.commits = new OffsetCommits((error) => this.log('debug', 'commit-failed', { detail: error.message }));
  }

  state(): ConsumerState {
    const fetching =
      this.running.size > 0 || performance.now() - (this.lastFetchAt ?? -Infinity) < FETCHES_WITHIN_MS + (this.options.maxWaitMs ?? 0);
    const joined = this.joined && fetching;
    return { joined, assignedPartitions: joined ? this.assignedPartitions : 0, lastFetchAt: this.lastFetchByTheWall };
  }

  async start(): Promise<void> {
    this.watchdog = setInterval(() => this.lookForSilence(), 5_000).unref();
    await this.connect();
    await this.firstJoin;
  }

  async stop(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    this.stopped.abort();
    this.membership.abort();
    clearInterval(this.watchdog);
    this.resumeTimers.forEach((timer) => clearTimeout(timer));
    this.announceJoin();
    const finish = async (): Promise<void> => {
      await Promise.allSettled(this.running);
      await this.commits.flush();
      this.commits.forget();
      await Promise.race([this.joining, sleep(JOIN_DEADLINE_MS, undefined, { ref: false })]);
      await this.disconnect(this.consumer);
    };
    const deadline = sleep(STOP_DEADLINE_MS, 'late' as const, { ref: false });
    if ((await Promise.race([finish(), deadline])) === 'late') this.log('warn', 'stop-incomplete', { running: this.running.size });
    this.joined = false;
  }

  /** Until it works, or the consumer is stopped. */
  private async connect(): Promise<void> {
    for (let attempt = 1; !this.stopping; attempt += 1) {
      const consumer = (this.consumer = this.create());
      try {
        await this.run(consumer);
        break;
      } catch (error) {
        // Given up meanwhile: whoever did that connects.
        if (consumer !== this.consumer) return await this.disconnect(consumer);
        this.log('warn', 'start-failed', { attempt, detail: asError(error).message });
        this.endJoining();
        await this.disconnect(consumer);
        await sleep(Math.min(250 * 2 ** attempt, 5_000), undefined, { signal: this.stopped.signal }).catch(() => undefined);
      }
    }
  }

  private create(): Consumer {
    const { options } = this;
    const consumer: Consumer = options.createConsumer({
      groupId: options.names.group(options.groupId),
      sessionTimeout: options.sessionTimeoutMs ?? 6_000,
      heartbeatInterval: Math.floor((options.sessionTimeoutMs ?? 6_000) / 4),
      rebalanceTimeout: 30_000,
      maxWaitTimeInMs: options.maxWaitMs ?? 500,
      minBytes: 1,
      // No batch of records is larger (see MAX_MESSAGE_BYTES), and one of full size must fit in.
      maxBytesPerPartition: options.maxBytesPerPartition ?? MEBIBYTE,
      // Held three times over: as it came, joined, and decoded.
      maxBytes: 8 * MEBIBYTE,
      // Where new partitions of a known topic are noticed.
      metadataMaxAge: 60_000,
      retry: { restartOnFailure: () => Promise.resolve(!this.isOver(consumer)) },
    });
    return consumer;
  }

  private async run(consumer: Consumer): Promise<void> {
    const { options } = this;
    this.listen(consumer);
    await consumer.connect();
    const topics = options.topics.map((topic) => options.names.toBroker(topic));
    await consumer.subscribe({ topics, fromBeginning: options.from !== 'end' });
    if (this.isOver(consumer)) return await this.disconnect(consumer);
    this.beginJoining();
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: options.partitionsConsumedConcurrently ?? 1,
      eachBatch: async (payload) => {
        if (!this.isOver(consumer)) await this.eachBatch(payload);
      },
    });
  }

  private listen(consumer: Consumer): void {
    const { events } = consumer;
    const seen = (): void => void (this.lastEventAt = performance.now());
    consumer.on(events.REQUEST_TIMEOUT, ({ payload }) => this.giveUp(consumer, payload.apiName));
    consumer.on(events.FETCH_START, () => {
      if (this.isOver(consumer)) return;
      seen();
      if (this.membershipOver === undefined) return;
      this.membershipOver = undefined;
      this.membership = new AbortController();
    });
    const alive = (): void => {
      if (this.isOver(consumer)) return;
      this.lastFetchAt = this.lastEventAt = performance.now();
      this.lastFetchByTheWall = new Date().toISOString();
    };
    consumer.on(events.FETCH, alive);
    consumer.on(events.HEARTBEAT, alive);
    consumer.on(events.GROUP_JOIN, ({ payload }) => {
      // It was under way when the consumer was given up, and cannot be called off.
      if (consumer !== this.consumer) return void setImmediate(() => void this.disconnect(consumer));
      alive();
      // Offsets of the old assignment may belong to others now.
      this.commits.forget();
      this.partitionsReady = undefined;
      this.assignedPartitions = Object.values(payload.memberAssignment).reduce((sum, partitions) => sum + partitions.length, 0);
      // Only after this event kafkajs counts the consumer as running, and would let it leave the group.
      setImmediate(this.endJoining);
      if (this.stopping) return;
      this.joined = true;
      this.announceJoin();
      this.log('info', 'joined', { partitions: this.assignedPartitions, durationMs: payload.duration });
    });
    consumer.on(events.REBALANCING, () => {
      if (consumer !== this.consumer) return;
      seen();
      // Requests of a connection are answered in order, so this is there before we join again.
      void this.commits.flush();
      this.log('info', 'rebalancing', {});
    });
    consumer.on(events.CRASH, ({ payload: { error, restart } }) => {
      if (consumer !== this.consumer) return void this.disconnect(consumer);
      seen();
      this.joined = false;
      const passing = restart || isBrokerAway(error);
      // A coordinator that still loads is normal after every broker start.
      this.log(isUnsettled(error) ? 'info' : passing ? 'warn' : 'error', 'crashed', { detail: error.message, restart, error: error.name });
      if (restart && !this.stopping) this.beginJoining();
      else this.endJoining();
      if (restart || this.stopping) return;
      // kafkajs calls a coordinator it could not reach final. It has disconnected before it says so.
      if (passing) void this.connect();
      else this.options.onFatal(error);
    });
  }

  /** Nothing it does or says counts any more. */
  private isOver(consumer: Consumer): boolean {
    return this.stopping || consumer !== this.consumer;
  }

  /**
   * A request was not answered in time. Where packets vanish without a word (a firewall that forgot the connection, a host that lost its
   * power) its connection looks open for a quarter of an hour and more, and kafkajs goes on using it: begin again with new ones.
   */
  private giveUp(consumer: Consumer, request: string): void {
    if (this.isOver(consumer)) return;
    this.log('warn', 'connections-renewed', { detail: `no answer to ${request}` });
    this.consumer = undefined;
    this.endMembership(new Error('a connection to the broker is dead'));
    // It leaves the group if it still can; nobody waits for that. During its first join it could not: then when that is over.
    if (this.joined) void this.disconnect(consumer);
    this.joined = false;
    this.endJoining();
    void this.connect();
  }

  private beginJoining(): void {
    this.endJoining();
    this.joining = new Promise((resolve) => (this.endJoining = resolve));
  }

  /** Called by kafkajs; throws nothing but kafkajs's own errors, by which it learns that it has to join again. */
  private async eachBatch(payload: EachBatchPayload): Promise<void> {
    if (this.stopping) return;
    if (this.membershipOver !== undefined) throw this.membershipOver;
    const work = this.work(payload);
    this.running.add(work);
    try {
      await work;
    } finally {
      this.running.delete(work);
    }
    if (this.membershipOver !== undefined) throw this.membershipOver;
  }

  private async work(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    this.commits.through(payload);
    const beat = setInterval(() => void payload.heartbeat().catch((error: unknown) => this.endMembership(asError(error))), 500);
    let outcome: BatchOutcome;
    try {
      outcome = await this.handle(payload);
    } catch (error) {
      this.log('error', 'batch-failed', { topic: batch.topic, partition: batch.partition, detail: asError(error).message });
      outcome = { retryInMs: 1_000 };
    } finally {
      clearInterval(beat);
    }
    if (outcome !== 'done' && !this.stopping) this.pause(payload, outcome.retryInMs);
    await this.commits.flushIfDue(this.membershipOver !== undefined);
  }

  private async handle(payload: EachBatchPayload): Promise<BatchOutcome> {
    const { batch } = payload;
    const { signal } = this.membership;
    const topic = this.options.names.fromBroker(batch.topic);
    this.partitionsReady ??= this.options.onAssigned?.() ?? Promise.resolve();
    try {
      await this.partitionsReady;
    } catch (error) {
      this.partitionsReady = undefined;
      throw error;
    }
    const messages = batch.messages.map((message) => incoming(topic, batch.partition, message));
    const last = messages.at(-1);
    let complete = false;
    const outcome = await this.options.onBatch(
      { topic, partition: batch.partition, messages, highWatermark: batch.highWatermark },
      {
        signal,
        processed: (message) => {
          payload.resolveOffset(message.offset);
          complete = message.offset === last?.offset;
          // Behind the last message may be records that no consumer is shown.
          const offset = complete ? batch.lastOffset() : message.offset;
          this.commits.add(batch.topic, batch.partition, (BigInt(offset) + 1n).toString());
        },
      },
    );
    // Otherwise it would come again at once, for ever.
    if (outcome === 'done' && !complete && !signal.aborted) throw new Error('the batch was called done but not reported as processed');
    return outcome;
  }

  private pause(payload: EachBatchPayload, ms: number): void {
    const resume = payload.pause();
    const timer = setTimeout(() => {
      this.resumeTimers.delete(timer);
      resume();
    }, ms);
    this.resumeTimers.add(timer);
  }

  private endMembership(error: Error): void {
    if (this.membershipOver !== undefined) return;
    this.membershipOver = error;
    this.membership.abort();
    this.log('debug', 'heartbeat-refused', { detail: error.message });
  }

  private lookForSilence(): void {
    if (this.running.size > 0) this.lastEventAt = performance.now();
    const away = this.joined && !this.state().joined;
    if (away !== this.away)
      this.log(away ? 'warn' : 'info', away ? 'broker-away' : 'broker-back', { lastFetchAt: this.state().lastFetchAt });
    this.away = away;
    if (this.consumer === undefined || !this.joined || performance.now() - this.lastEventAt < SILENCE_IS_FATAL_MS) return;
    this.options.onFatal(new Error(`the consumer of group ${this.options.groupId} has shown no activity for ${SILENCE_IS_FATAL_MS} ms`));
  }

  private async disconnect(consumer: Consumer | undefined): Promise<void> {
    try {
      await consumer?.disconnect();
    } catch (error) {
      this.log('debug', 'disconnect-failed', { detail: asError(error).message });
    }
  }

  private log(level: 'debug' | 'info' | 'warn' | 'error', name: string, fields: object): void {
    this.options.logger[level]({ event: `kafka.consumer.${name}`, group: this.options.groupId, ...fields });
  }
}

function incoming(topic: string, partition: number, { key, value, offset, headers }: KafkaMessage): IncomingMessage {
  return { topic, partition, offset, key: key ?? null, value: value ?? null, headers: (headers ?? {}) as Record<string, HeaderValue> };
}
