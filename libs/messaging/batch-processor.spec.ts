// Proves, without a broker: which messages reach the handler, which go to the dead letters, what is tried again and how, and that
// nothing of a parked stream overtakes.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { BatchProcessor, type BatchProcessorOptions, type DeadLetterSink } from './batch-processor.js';
import type { BatchOutcome, IncomingBatch } from './broker.js';
import { CloudEventsCodec, encode } from './cloud-events.codec.js';
import type { DeadLetter } from './dead-letter.js';
import type { EventBatch } from './event-batch.js';
import type { EventMessage, IncomingMessage } from './event-message.js';
import { PoisonEventError } from './poison.js';
import { DEFAULT_RETRY } from './retry-schedule.js';
import { received, recordingLogger, sampleEvent } from './testing/samples.js';
import { GapError } from './gap-error.js';

class MemoryDeadLetters implements DeadLetterSink {
  readonly letters: DeadLetter[] = [];
  readonly parked = new Set<string>();
  readonly discardedOffsets = new Set<string>();
  failures = 0;

  parkedStreams(): Promise<ReadonlySet<string>> {
    return Promise.resolve(new Set(this.parked));
  }

  discarded(messages: readonly IncomingMessage[]): Promise<ReadonlySet<string>> {
    return Promise.resolve(new Set(messages.map(({ offset }) => offset).filter((offset) => this.discardedOffsets.has(offset))));
  }

  store(letters: readonly DeadLetter[]): Promise<readonly string[]> {
    if (this.failures > 0) {
      this.failures -= 1;
      return Promise.reject(new Error('dead letters are not reachable'));
    }
    const poisoned = letters
      .filter(({ code, streamId }) => code !== 'stream-parked' && streamId !== null)
      .map(({ streamId }) => streamId as string);
    const known = new Set([...this.parked, ...poisoned]);
    const released = letters.map(({ streamId }) => streamId).filter((id): id is string => id !== null && !known.has(id));
    if (released.length > 0) return Promise.resolve(released);
    poisoned.forEach((id) => this.parked.add(id));
    this.letters.push(...letters);
    return Promise.resolve([]);
  }
}

function setUp(handler: (batch: EventBatch) => Promise<void>, options: Partial<BatchProcessorOptions> = {}) {
  const sink = new MemoryDeadLetters();
  const logger = recordingLogger();
  const onFatal = vi.fn<(error: Error) => void>();
  const processor = new BatchProcessor({
    groupId: 'spec',
    codec: new CloudEventsCodec(),
    deadLetters: sink,
    handlerOf: () => handler,
    retry: DEFAULT_RETRY,
    maxBatchSize: 100,
    logger,
    onFatal,
    ...options,
  });
  const stop = new AbortController();
  const processed: string[] = [];
  const process = (messages: readonly IncomingMessage[]): Promise<BatchOutcome> =>
    processor.process(batchOf(messages), { signal: stop.signal, processed: ({ offset }) => void processed.push(offset) });
  return { sink, logger, onFatal, processor, process, processed, stop };
}

function batchOf(messages: readonly IncomingMessage[]): IncomingBatch {
  return { topic: 'tidemark.order', partition: 0, messages, highWatermark: String(messages.length) };
}

const at = (offset: number, streamId: string, version: number): IncomingMessage =>
  received(encode(sampleEvent(streamId, version)), 0, offset);
const names = (events: readonly EventMessage[]): string[] => events.map(({ streamId, version }) => `${streamId}@${version}`);

/** Applies everything; fails as told. */
function recording(failures: (batch: EventBatch, call: number) => Error | undefined = () => undefined) {
  const calls: string[][] = [];
  const handler = (batch: EventBatch): Promise<void> => {
    calls.push(names(batch.messages));
    const failure = failures(batch, calls.length);
    return failure === undefined ? Promise.resolve() : Promise.reject(failure);
  };
  return { calls, handler };
}

describe('BatchProcessor', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  it('hands over a batch in order and reports it as processed', async () => {
    const { calls, handler } = recording();
    const { process, processed } = setUp(handler);
    expect(await process([at(5, 'order-a', 1), at(6, 'order-b', 1), at(7, 'order-a', 2)])).toBe('done');
    expect(calls).toEqual([['order-a@1', 'order-b@1', 'order-a@2']]);
    expect(processed).toEqual(['7']);
  });

  it('cuts a large batch into pieces, each reported when it is done', async () => {
    const { calls, handler } = recording();
    const { process, processed } = setUp(handler, { maxBatchSize: 2 });
    await process([at(0, 'order-a', 1), at(1, 'order-a', 2), at(2, 'order-a', 3), at(3, 'order-a', 4), at(4, 'order-a', 5)]);
    expect(calls).toEqual([['order-a@1', 'order-a@2'], ['order-a@3', 'order-a@4'], ['order-a@5']]);
    expect(processed).toEqual(['1', '3', '4']);
  });

  it('sends undecodable messages to the dead letters with their bytes, and only their stream after them', async () => {
    const { calls, handler } = recording();
    const { process, processed, sink } = setUp(handler);
    const broken = { ...at(1, 'order-a', 2), value: Buffer.from('{"oops') };
    await process([at(0, 'order-a', 1), broken, at(2, 'order-b', 1), at(3, 'order-a', 3)]);
    expect(calls).toEqual([['order-a@1', 'order-b@1']]);
    expect(sink.letters.map(({ message, code }) => [message.offset, code])).toEqual([
      ['1', 'value-malformed'],
      ['3', 'stream-parked'],
    ]);
    expect(sink.letters[0]?.message.value?.toString()).toBe('{"oops');
    expect(processed).toEqual(['3']);
    await process([at(4, 'order-a', 4), at(5, 'order-b', 2)]);
    expect(calls[1]).toEqual(['order-b@2']);
    expect(sink.letters).toHaveLength(3);
  });

  it('parks nothing for a message that does not say whose it is', async () => {
    const { calls, handler } = recording();
    const { process, sink } = setUp(handler);
    const nobody: IncomingMessage = { ...at(0, 'order-a', 1), key: null, headers: {}, value: null };
    await process([nobody, at(1, 'order-a', 1)]);
    expect(sink.letters).toMatchObject([{ streamId: null, code: 'key-missing' }]);
    expect(sink.parked.size).toBe(0);
    expect(calls).toEqual([['order-a@1']]);
  });

  it('delivers the rest again when the handler names an event it can never apply', async () => {
    const { calls, handler } = recording(({ messages }) => {
      const unknown = messages.find(({ version, streamId }) => streamId === 'order-a' && version === 2);
      return unknown === undefined ? undefined : new PoisonEventError(unknown, 'unknown-type', 'never heard of it');
    });
    const { process, sink, processor } = setUp(handler);
    await process([at(0, 'order-a', 1), at(1, 'order-a', 2), at(2, 'order-b', 1), at(3, 'order-a', 3)]);
    expect(calls).toEqual([
      ['order-a@1', 'order-a@2', 'order-b@1', 'order-a@3'],
      ['order-a@1', 'order-b@1'],
    ]);
    expect(sink.letters.map(({ message, code }) => [message.offset, code])).toEqual([
      ['1', 'unknown-type'],
      ['3', 'stream-parked'],
    ]);
    expect(processor.stalls.list()).toEqual([]);
  });

  it('tries a passing error again on the spot, in the same order, and says when it is over', async () => {
    const { calls, handler } = recording((_, call) => (call < 4 ? new Error('connection refused') : undefined));
    const { process, processed, logger, processor } = setUp(handler);
    expect(await process([at(0, 'order-a', 1), at(1, 'order-a', 2)])).toBe('done');
    expect(calls).toHaveLength(4);
    expect(new Set(calls.map(String))).toEqual(new Set(['order-a@1,order-a@2']));
    expect(processed).toEqual(['1']);
    expect(logger.lines.map(({ event }) => event)).toEqual([...Array<string>(3).fill('consumer.batch.failed'), 'consumer.recovered']);
    expect(processor.stalls.list()).toEqual([]);
  });

  it('gives way to other partitions when it takes longer, with growing waits, and processes nothing meanwhile', async () => {
    const { handler } = recording(() => new Error('database is down'));
    const { process, processed, processor } = setUp(handler, { retry: { ...DEFAULT_RETRY, onTheSpotMs: 0, initialMs: 100, maxMs: 1_000 } });
    const waits: unknown[] = [];
    for (let round = 0; round < 6; round += 1) waits.push(await process([at(0, 'order-a', 1)]));
    expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000].map((retryInMs) => ({ retryInMs })));
    expect(processed).toEqual([]);
    expect(processor.stalls.list()).toMatchObject([{ partition: 0, attempts: 6, reason: 'database is down', gap: false }]);
  });

  it('takes programming errors like any other: the consumer lives, the partition waits', async () => {
    const { handler } = recording((_, call) => (call === 1 ? new TypeError('x is not a function') : undefined));
    const { process, processed } = setUp(handler);
    expect(await process([at(0, 'order-a', 1)])).toBe('done');
    expect(processed).toEqual(['0']);
  });

  it('stops at a gap, reports it, and ends the process when it lasts', async () => {
    const { handler } = recording(() => new GapError([{ streamId: 'order-a', expected: 2, received: 4 }]));
    const retry = { ...DEFAULT_RETRY, onTheSpotMs: 0, gapFatalAfterMs: 60_000 };
    const { process, processed, processor, onFatal, logger } = setUp(handler, { retry });
    expect(await process([at(0, 'order-a', 4)])).toEqual({ retryInMs: 50 });
    expect(processor.stalls.list()).toMatchObject([{ gap: true }]);
    expect(logger.lines).toMatchObject([{ level: 'error', event: 'consumer.gap' }]);
    vi.advanceTimersByTime(59_000);
    await process([at(0, 'order-a', 4)]);
    expect(onFatal).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1_000);
    await process([at(0, 'order-a', 4)]);
    expect(onFatal).toHaveBeenCalledOnce();
    expect(processed).toEqual([]);
  });

  it('does not move past poison it could not put away', async () => {
    const { calls, handler } = recording();
    const { process, processed, sink } = setUp(handler, { retry: { ...DEFAULT_RETRY, onTheSpotMs: 0 } });
    sink.failures = 1;
    const poison = { ...at(1, 'order-a', 2), value: null };
    expect(await process([at(0, 'order-b', 1), poison])).toEqual({ retryInMs: 50 });
    expect(processed).toEqual([]);
    expect(await process([at(0, 'order-b', 1), poison])).toBe('done');
    expect(processed).toEqual(['1']);
    expect(sink.letters).toHaveLength(1);
    expect(calls).toHaveLength(2);
  });

  it('goes on with a stream that was released elsewhere', async () => {
    const { calls, handler } = recording();
    const { process, sink } = setUp(handler);
    sink.parked.add('order-a');
    await process([at(0, 'order-a', 2)]);
    expect(calls).toEqual([]);
    sink.parked.delete('order-a');
    await process([at(1, 'order-a', 3), at(2, 'order-b', 1)]);
    expect(calls).toEqual([['order-b@1'], ['order-a@3', 'order-b@1']]);
    expect(sink.letters).toHaveLength(1);
  });

  it('learns of a stream parked elsewhere before it calls its next event a gap', async () => {
    const { calls, handler } = recording(({ messages }) =>
      messages.some(({ streamId }) => streamId === 'order-a')
        ? new GapError([{ streamId: 'order-a', expected: 2, received: 3 }])
        : undefined,
    );
    const { process, sink } = setUp(handler);
    await process([at(0, 'order-b', 1)]);
    sink.parked.add('order-a');
    expect(await process([at(1, 'order-a', 3), at(2, 'order-b', 2)])).toBe('done');
    expect(calls.at(-1)).toEqual(['order-b@2']);
    expect(sink.letters).toMatchObject([{ streamId: 'order-a', code: 'stream-parked' }]);
  });

  it('passes over poison that was discarded, without parking its stream again', async () => {
    const { calls, handler } = recording();
    const { process, processed, sink } = setUp(handler);
    sink.discardedOffsets.add('0');
    await process([{ ...at(0, 'order-a', 1), value: null }, at(1, 'order-a', 1)]);
    expect(calls).toEqual([['order-a@1']]);
    expect(sink.letters).toEqual([]);
    expect(processed).toEqual(['1']);
  });

  it('passes over a letter that only waited and was discarded, and keeps its neighbours', async () => {
    const { calls, handler } = recording();
    const { process, processed, sink } = setUp(handler);
    sink.parked.add('order-a');
    sink.discardedOffsets.add('1');
    await process([at(0, 'order-a', 2), at(1, 'order-a', 3), at(2, 'order-b', 1), at(3, 'order-a', 4)]);
    expect(sink.letters.map(({ message }) => message.offset)).toEqual(['0', '3']);
    expect(calls).toEqual([['order-b@1']]);
    expect(processed).toEqual(['3']);
  });

  it('passes over what the handler convicts when that was discarded, and goes on with its stream', async () => {
    const { calls, handler } = recording(({ messages }) => {
      const unknown = messages.find(({ version }) => version === 2);
      return unknown === undefined ? undefined : new PoisonEventError(unknown, 'unknown-type', 'never heard of it');
    });
    const { process, sink } = setUp(handler);
    sink.discardedOffsets.add('1');
    await process([at(0, 'order-a', 1), at(1, 'order-a', 2), at(2, 'order-a', 3)]);
    expect(calls.at(-1)).toEqual(['order-a@1', 'order-a@3']);
    expect(sink.letters).toEqual([]);
  });

  it('gives up waiting at once when the consumer stops', async () => {
    const { handler } = recording(() => new Error('database is down'));
    const { process, processed, stop } = setUp(handler, { retry: { ...DEFAULT_RETRY, initialMs: 60_000, onTheSpotMs: 600_000 } });
    const outcome = process([at(0, 'order-a', 1)]);
    stop.abort();
    expect(await outcome).toEqual({ retryInMs: 0 });
    expect(processed).toEqual([]);
  });
});
