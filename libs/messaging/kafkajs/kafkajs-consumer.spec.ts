// Proves, against a kafkajs consumer that does as it is told: what its crashes, refusals and silences lead to.
import type { Batch, Consumer, ConsumerRunConfig, EachBatchPayload, OffsetsByTopicPartition } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { BatchOutcome, ConsumerOptions, IncomingBatch } from '../broker.js';
import { recordingLogger } from '../testing/samples.js';
import { BrokerNames } from '../topics.js';
import { KafkaJsConsumer } from './kafkajs-consumer.js';

const events = {
  CRASH: 'crash',
  FETCH: 'fetch',
  FETCH_START: 'fetch_start',
  GROUP_JOIN: 'group_join',
  HEARTBEAT: 'heartbeat',
  REBALANCING: 'rebalancing',
  REQUEST_TIMEOUT: 'request_timeout',
} as const;

class FakeKafkaJs {
  readonly calls: string[] = [];
  connectFailures = 0;
  run: ConsumerRunConfig | undefined;
  private readonly listeners = new Map<string, (event: { payload: unknown }) => void>();

  readonly consumer = {
    events,
    on: (name: string, listener: (event: { payload: unknown }) => void) => void this.listeners.set(name, listener),
    connect: () => {
      this.calls.push('connect');
      if (this.connectFailures > 0) {
        this.connectFailures -= 1;
        return Promise.reject(new Error('connect ECONNREFUSED'));
      }
      return Promise.resolve();
    },
    subscribe: () => Promise.resolve(),
    run: (config: ConsumerRunConfig) => {
      this.run = config;
      this.emit('GROUP_JOIN', { memberAssignment: { 'tidemark.order': [0, 1] }, duration: 5 });
      return Promise.resolve();
    },
    disconnect: () => {
      this.calls.push('disconnect');
      return Promise.resolve();
    },
  } as unknown as Consumer;

  emit(name: keyof typeof events, payload: unknown = {}): void {
    this.listeners.get(events[name])?.({ payload });
  }

  deliver(payload: Partial<EachBatchPayload> = {}, partition = 0): Promise<void> {
    const messages = ['4', '5'].map((offset) => ({ offset, key: Buffer.from('order-a'), value: Buffer.from('{}'), headers: {} }));
    const batch = { topic: 'tidemark.order', partition, messages, highWatermark: '9', lastOffset: () => '6' };
    const heartbeat = (): Promise<void> => Promise.resolve();
    const pause = () => () => undefined;
    const commitOffsetsIfNecessary = (): Promise<void> => Promise.resolve();
    const all = { batch, heartbeat, pause, commitOffsetsIfNecessary, resolveOffset: () => undefined, ...payload };
    return this.run?.eachBatch?.(all as unknown as EachBatchPayload) ?? Promise.reject(new Error('not running'));
  }
}

function setUp(onBatch: ConsumerOptions['onBatch'] = everythingDone) {
  const kafka = new FakeKafkaJs();
  const logger = recordingLogger();
  const onFatal = vi.fn<(error: Error) => void>();
  const options = { groupId: 'spec', topics: ['tidemark.order'], onBatch, onFatal };
  const consumer = new KafkaJsConsumer({ ...options, names: new BrokerNames(), logger, createConsumer: () => kafka.consumer });
  return { kafka, consumer, logger, onFatal };
}

const everythingDone: ConsumerOptions['onBatch'] = ({ messages }, control) => {
  const last = messages.at(-1);
  if (last !== undefined) control.processed(last);
  return Promise.resolve('done');
};

describe('KafkaJsConsumer', () => {
  beforeEach(
    () => void vi.useFakeTimers({ toFake: ['Date', 'performance', 'setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] }),
  );
  afterEach(() => void vi.useRealTimers());

  it('goes on after a crash that kafkajs restarts from, and ends the process after one it does not', async () => {
    const { kafka, consumer, onFatal } = setUp();
    await consumer.start();
    expect(consumer.state()).toMatchObject({ joined: true, assignedPartitions: 2 });
    kafka.emit('CRASH', { error: new Error('broker away'), restart: true });
    expect(consumer.state()).toMatchObject({ joined: false, assignedPartitions: 0 });
    expect(onFatal).not.toHaveBeenCalled();
    kafka.emit('GROUP_JOIN', { memberAssignment: { 'tidemark.order': [0] }, duration: 5 });
    expect(consumer.state()).toMatchObject({ joined: true, assignedPartitions: 1 });
    const crash = new Error('authorization failed');
    kafka.emit('CRASH', { error: crash, restart: false });
    expect(onFatal).toHaveBeenCalledExactlyOnceWith(crash);
    await consumer.stop();
  });

  it('is not connected while fetches fail, and ends the process when kafkajs has gone silent', async () => {
    const { kafka, consumer, onFatal, logger } = setUp();
    await consumer.start();
    kafka.emit('FETCH');
    vi.advanceTimersByTime(15_000);
    expect(consumer.state().joined).toBe(false);
    expect(logger.lines.filter(({ event }) => event === 'kafka.consumer.broker-away')).toHaveLength(1);
    kafka.emit('FETCH_START');
    vi.advanceTimersByTime(85_000);
    expect(onFatal).not.toHaveBeenCalled();
    kafka.emit('FETCH');
    expect(consumer.state().joined).toBe(true);
    vi.advanceTimersByTime(100_000);
    expect(onFatal.mock.calls[0]?.[0]).toMatchObject({ message: expect.stringContaining('no activity') as string });
    await consumer.stop();
  });

  it('keeps trying to start while the broker is away', async () => {
    vi.useRealTimers();
    const { kafka, consumer } = setUp();
    kafka.connectFailures = 1;
    await consumer.start();
    expect(kafka.calls).toEqual(['connect', 'disconnect', 'connect']);
    await consumer.stop();
  });

  it('comes back by itself when kafkajs gives up because the broker is away', async () => {
    const { kafka, consumer, onFatal } = setUp();
    await consumer.start();
    const away = Object.assign(new Error('Failed to find group coordinator'), { name: 'KafkaJSGroupCoordinatorNotFound' });
    kafka.emit('CRASH', { error: away, restart: false });
    expect(consumer.state().joined).toBe(false);
    await vi.waitFor(() => expect(consumer.state().joined).toBe(true));
    expect(kafka.calls).toEqual(['connect', 'connect']);
    expect(onFatal).not.toHaveBeenCalled();
    await consumer.stop();
  });

  it('commits once for many batches, with the offset behind what no consumer is shown', async () => {
    const { kafka, consumer } = setUp();
    const commits: unknown[] = [];
    const commitOffsetsIfNecessary = (offsets: unknown): Promise<void> => Promise.resolve(void commits.push(offsets));
    await consumer.start();
    await kafka.deliver({ commitOffsetsIfNecessary });
    await kafka.deliver({ commitOffsetsIfNecessary }, 1);
    await kafka.deliver({ commitOffsetsIfNecessary }, 1);
    await vi.advanceTimersByTimeAsync(300);
    expect(commits).toEqual([
      { topics: [{ topic: 'tidemark.order', partitions: [{ partition: 0, offset: '7' }] }] },
      { topics: [{ topic: 'tidemark.order', partitions: [{ partition: 1, offset: '7' }] }] },
    ]);
    await consumer.stop();
  });

  it('tries a refused commit again, but not one of an assignment that is over', async () => {
    const { kafka, consumer } = setUp();
    let refusals = 1;
    const commits: unknown[] = [];
    const commitOffsetsIfNecessary = (offsets: unknown): Promise<void> => {
      commits.push(offsets);
      refusals -= 1;
      return refusals >= 0 ? Promise.reject(new Error('rebalance in progress')) : Promise.resolve();
    };
    await consumer.start();
    await kafka.deliver({ commitOffsetsIfNecessary });
    await vi.advanceTimersByTimeAsync(300);
    expect(commits).toHaveLength(2);
    expect(commits[1]).toEqual(commits[0]);

    await vi.advanceTimersByTimeAsync(300);
    refusals = 1;
    await kafka.deliver({ commitOffsetsIfNecessary });
    await vi.advanceTimersByTimeAsync(10);
    kafka.emit('GROUP_JOIN', { memberAssignment: {}, duration: 5 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(commits).toHaveLength(3);
    await consumer.stop();
  });

  it('forgets a commit that was on its way when the assignment ended, and is refused only then', async () => {
    const { kafka, consumer } = setUp();
    let refuse: (error: Error) => void = () => undefined;
    let commits = 0;
    const commitOffsetsIfNecessary = (): Promise<void> => {
      commits += 1;
      return new Promise((_, reject) => (refuse = reject));
    };
    await consumer.start();
    const delivered = kafka.deliver({ commitOffsetsIfNecessary });
    await vi.advanceTimersByTimeAsync(300);
    kafka.emit('GROUP_JOIN', { memberAssignment: {}, duration: 5 });
    refuse(new Error('rebalance in progress'));
    await delivered;
    await vi.advanceTimersByTimeAsync(1_000);
    // The partition may be another consumer's by now: it would be set back.
    expect(commits).toBe(1);
    await consumer.stop();
  });

  it('does not put a failed commit behind a later one that went through', async () => {
    const { kafka, consumer } = setUp();
    const offsets: string[] = [];
    const refusals: ((error: Error) => void)[] = [];
    const commitOffsetsIfNecessary = (commit?: OffsetsByTopicPartition): Promise<void> => {
      offsets.push(...(commit?.topics ?? []).flatMap(({ partitions }) => partitions.map(({ offset }) => offset)));
      return refusals.length > 0 ? Promise.resolve() : new Promise((_, reject) => refusals.push(reject));
    };
    const next = {
      topic: 'tidemark.order',
      partition: 0,
      messages: [{ offset: '7', key: Buffer.from('order-a'), value: Buffer.from('{}'), headers: {} }],
      highWatermark: '9',
      lastOffset: () => '7',
    };
    await consumer.start();
    const delivered = kafka.deliver({ commitOffsetsIfNecessary });
    await vi.advanceTimersByTimeAsync(300);
    await kafka.deliver({ commitOffsetsIfNecessary, batch: next as unknown as Batch });
    expect(offsets).toEqual(['7', '8']);
    refusals[0]?.(new Error('the coordinator is loading'));
    await delivered;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(offsets).toEqual(['7', '8']);
    await consumer.stop();
  });

  it('gives up the queued batches when a heartbeat says that the membership is over', async () => {
    const rebalance = Object.assign(new Error('rebalance in progress'), { type: 'REBALANCE_IN_PROGRESS' });
    let finish: (outcome: BatchOutcome) => void = () => undefined;
    let aborted: AbortSignal | undefined;
    const handled: number[] = [];
    const { kafka, consumer } = setUp((batch: IncomingBatch, control) => {
      handled.push(batch.partition);
      aborted = control.signal;
      if (batch.partition > 0) return everythingDone(batch, control);
      return new Promise((resolve) => (finish = resolve));
    });
    await consumer.start();
    const running = kafka.deliver({ heartbeat: () => Promise.reject(rebalance) });
    const refused = expect(running).rejects.toBe(rebalance);
    await vi.advanceTimersByTimeAsync(600);
    expect(aborted?.aborted).toBe(true);
    await expect(kafka.deliver({}, 1)).rejects.toBe(rebalance);
    finish({ retryInMs: 0 });
    await refused;
    expect(handled).toEqual([0]);

    kafka.emit('GROUP_JOIN', { memberAssignment: { 'tidemark.order': [0, 1] }, duration: 5 });
    kafka.emit('FETCH_START');
    await kafka.deliver({}, 1);
    expect(handled).toEqual([0, 1]);
    await consumer.stop();
  });

  it('does not spin on a batch that is called done but was not processed', async () => {
    const { kafka, consumer, logger } = setUp(() => Promise.resolve('done'));
    const pause = vi.fn<() => () => void>(() => () => undefined);
    await consumer.start();
    await kafka.deliver({ pause });
    expect(pause).toHaveBeenCalledOnce();
    expect(logger.lines.at(-1)).toMatchObject({ level: 'error', event: 'kafka.consumer.batch-failed' });
    await consumer.stop();
  });

  it('takes no batch before what it needs for its partitions is there', async () => {
    const handled: number[] = [];
    let failures = 1;
    const kafka = new FakeKafkaJs();
    const consumer = new KafkaJsConsumer({
      groupId: 'spec',
      topics: ['tidemark.order'],
      names: new BrokerNames(),
      logger: recordingLogger(),
      createConsumer: () => kafka.consumer,
      onFatal: () => undefined,
      onAssigned: () => {
        failures -= 1;
        return failures >= 0 ? Promise.reject(new Error('database is down')) : Promise.resolve();
      },
      onBatch: (batch, control) => {
        handled.push(batch.partition);
        return everythingDone(batch, control);
      },
    });
    await consumer.start();
    await kafka.deliver();
    expect(handled).toEqual([]);
    await kafka.deliver();
    await kafka.deliver();
    expect(handled).toEqual([0, 0]);
    expect(failures).toBe(-1);
    await consumer.stop();
  });
});
