// Proves, with Nest, a real broker and a real database: poison of every kind ends in the dead letters with its bytes and stops only its
// own stream; what is passing is tried again until it works; parked streams survive a restart and go on after release; stopping is quick.
import { randomUUID } from 'node:crypto';

import { Controller, Module, UseFilters, type DynamicModule, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Payload } from '@nestjs/microservices';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi, type Mock } from 'vitest';

import { createTestDatabase, uniqueTopicPrefix, waitFor, type TestDatabase } from '../../test/harness/index.js';
import { BatchConsumerStrategy, type BatchConsumerOptions } from './batch-consumer.strategy.js';
import type { BatchProducer, Broker } from './broker.js';
import { encode } from './cloud-events.codec.js';
import type { DeadLetter } from './dead-letter.js';
import type { EventBatch } from './event-batch.js';
import type { EventMessage, IncomingMessage, OutgoingMessage } from './event-message.js';
import { HandlerErrorFilter } from './handler-error.filter.js';
import { KafkaJsBroker } from './kafkajs/kafkajs-broker.js';
import { PoisonEventError } from './poison.js';
import { received, recordingLogger, sampleEvent } from './testing/samples.js';
import { DEAD_LETTER_TOPIC, TOPICS } from './topics.js';
import { GapError } from './gap-error.js';

/** What the handlers of a spec do; applied events by stream, guarded by version like a projection. */
class Applied {
  readonly versions = new Map<string, number>();
  readonly calls: string[] = [];
  misbehave: (batch: EventBatch) => Promise<void> | void = () => undefined;

  async apply(batch: EventBatch): Promise<void> {
    this.calls.push(batch.messages.map(({ streamId, version }) => `${streamId}@${version}`).join());
    await this.misbehave(batch);
    for (const { streamId, version } of batch.messages) {
      const expected = (this.versions.get(streamId) ?? 0) + 1;
      if (version > expected) throw new GapError([{ streamId, expected, received: version }]);
      if (version === expected) this.versions.set(streamId, version);
    }
  }
}

@Controller()
class OrderController {
  constructor(private readonly applied: Applied) {}

  @EventPattern(TOPICS.order)
  async onOrders(@Payload() batch: EventBatch): Promise<void> {
    await this.applied.apply(batch);
  }
}

@Controller()
@UseFilters(HandlerErrorFilter)
class StockController {
  constructor(private readonly applied: Applied) {}

  @EventPattern(TOPICS.stock)
  async onStock(@Payload() batch: EventBatch): Promise<void> {
    await this.applied.apply(batch);
  }
}

@Module({})
class SpecModule {
  static with(applied: Applied): DynamicModule {
    return { module: SpecModule, controllers: [OrderController, StockController], providers: [{ provide: Applied, useValue: applied }] };
  }
}

const logger = recordingLogger();
let database: TestDatabase;
let pool: pg.Pool;
let broker: KafkaJsBroker;
let producer: BatchProducer;
const apps: INestMicroservice[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 5 });
});
// Topics of its own for each test: poison and gaps of one are none of the others' business.
beforeEach(async () => {
  broker = new KafkaJsBroker({ brokers: inject('kafkaBrokers'), clientId: 'spec', logger, topicPrefix: uniqueTopicPrefix() });
  producer = await broker.createProducer();
  const admin = broker.admin();
  await admin.ensureTopics();
  await admin.close();
});
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
  await producer.close();
});
afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

interface Running {
  readonly applied: Applied;
  readonly strategy: BatchConsumerStrategy;
  readonly app: INestMicroservice;
  readonly onFatal: Mock<(error: Error) => void>;
}

async function run(options: Partial<BatchConsumerOptions> = {}, applied = new Applied()): Promise<Running> {
  const onFatal = vi.fn<(error: Error) => void>();
  const strategy = new BatchConsumerStrategy({ broker, groupId: randomUUID(), pool, logger, onFatal, ...options });
  const app = await NestFactory.createMicroservice(SpecModule.with(applied), { strategy, logger: false });
  apps.push(app);
  await app.listen();
  return { applied, strategy, app, onFatal };
}

const orderId = (): string => `order-${randomUUID()}`;

async function send(...messages: OutgoingMessage[]): Promise<void> {
  for (let left = messages; left.length > 0;) {
    const verdicts = await producer.send(left);
    expect(verdicts.every(({ outcome }) => outcome === 'acknowledged' || outcome === 'failed')).toBe(true);
    left = left.filter((_, index) => verdicts[index]?.outcome === 'failed');
  }
}

const event = (streamId: string, version: number, changes: Partial<EventMessage> = {}): OutgoingMessage =>
  encode(sampleEvent(streamId, version, { id: randomUUID(), ...changes }));

const applies = (applied: Applied, streamId: string, version: number): Promise<unknown> =>
  waitFor(() => applied.versions.get(streamId) === version, { what: `${streamId}@${version}` });

const noLag = (strategy: BatchConsumerStrategy): Promise<unknown> =>
  waitFor(async () => (await strategy.lag()).every(({ lag }) => lag === 0), { what: 'the lag to vanish' });

/** Everything on the dead-letter topic so far. */
async function deadLetterTopic(): Promise<IncomingMessage[]> {
  const admin = broker.admin();
  const end = [...(await admin.endOffsets(DEAD_LETTER_TOPIC)).values()].reduce((sum, offset) => sum + offset, 0);
  await admin.close();
  const seen: IncomingMessage[] = [];
  const consumer = broker.createConsumer({
    groupId: randomUUID(),
    topics: [DEAD_LETTER_TOPIC],
    onFatal: () => undefined,
    onBatch: async ({ messages }, control) => {
      seen.push(...messages);
      control.processed(messages.at(-1) as IncomingMessage);
      return 'done';
    },
  });
  await consumer.start();
  await waitFor(() => seen.length >= end, { what: 'the dead-letter topic' });
  await consumer.stop();
  return seen;
}

describe('BatchConsumerStrategy', () => {
  it('hands events of several topics to their handlers, in order, and commits', async () => {
    const running = await run();
    const [order, stock] = [orderId(), `stock-${randomUUID()}`];
    await send(...[1, 2, 3].map((version) => event(order, version)), event(stock, 1), event(stock, 2));
    await applies(running.applied, order, 3);
    await applies(running.applied, stock, 2);
    await noLag(running.strategy);
    expect(running.strategy.health()).toMatchObject({
      healthy: true,
      connected: true,
      assignedPartitions: 24,
      stalled: [],
      parkedStreams: 0,
    });
    expect(await running.strategy.check()).toMatchObject({ healthy: true });
  });

  it('puts poison of every kind away with its bytes, and stops only its own stream', async () => {
    const running = await run();
    running.applied.misbehave = ({ messages }) => {
      const unknown = messages.find(({ type }) => type === 'OrderTeleported');
      if (unknown !== undefined) throw new PoisonEventError(unknown, 'unknown-type', 'no such event');
    };
    const good = (id: string): OutgoingMessage => event(id, 1);
    const poisons: Record<string, (id: string) => OutgoingMessage> = {
      'value-malformed': (id) => ({ ...good(id), value: Buffer.from('{"orderId": "unfinish') }),
      'value-missing': (id) => ({ ...good(id), value: null }),
      'header-missing': (id) => ({ ...good(id), headers: {} }),
      'key-mismatch': (id) => ({ ...good(id), key: orderId() }),
      'header-invalid': (id) => ({ ...good(id), headers: { ...good(id).headers, ce_schemaversion: 'latest' } }),
      'unknown-type': (id) => event(id, 1, { type: 'OrderTeleported' }),
    };
    const healthy = Array.from({ length: 12 }, orderId);
    const poisoned = new Map(Object.keys(poisons).map((code) => [code, orderId()]));
    const messages = [...poisoned].map(([code, id]) => (poisons[code] as (id: string) => OutgoingMessage)(id));
    await send(...healthy.map((id) => event(id, 1)), ...messages, ...healthy.map((id) => event(id, 2)));
    for (const id of healthy) await applies(running.applied, id, 2);
    await noLag(running.strategy);

    const letters = await running.strategy.deadLetters.list();
    expect(letters.map(({ code, streamId, state }) => ({ code, streamId, state })).sort(byCode)).toEqual(
      [...poisoned].map(([code, streamId]) => ({ code, streamId, state: 'held' })).sort(byCode),
    );
    expect((await running.strategy.deadLetters.parked()).map(({ streamId }) => streamId).sort()).toEqual([...poisoned.values()].sort());
    expect(running.strategy.health()).toMatchObject({ healthy: true, parkedStreams: poisoned.size });

    const topic = (await deadLetterTopic()).filter(({ headers }) => [...poisoned.values()].includes(String(headers['dlq_stream'])));
    expect(topic).toHaveLength(poisoned.size);
    for (const [index, code] of [...poisoned.keys()].entries()) {
      const copy = topic.find(({ headers }) => String(headers['dlq_code']) === code);
      const record = letters.find((letter) => letter.code === code);
      expect(copy?.value).toEqual(messages[index]?.value);
      expect(String(copy?.key)).toBe(messages[index]?.key);
      expect(`${copy?.headers['dlq_topic']}/${copy?.headers['dlq_partition']}/${copy?.headers['dlq_offset']}`).toBe(
        `${record?.topic}/${record?.partition}/${record?.offset}`,
      );
      const inspected = await running.strategy.deadLetters.inspect(record?.id ?? 0);
      expect(inspected?.message.value).toEqual(messages[index]?.value);
      expect(texts(inspected?.message.headers)).toEqual(texts(messages[index]?.headers));
    }
  });

  it('keeps a parked stream aside across a restart, and lets it go on in order when it is released', async () => {
    const groupId = randomUUID();
    const applied = new Applied();
    const refuse = ({ messages }: EventBatch): void => {
      const unknown = messages.find(({ type }) => type === 'OrderArchived');
      if (unknown !== undefined) throw new PoisonEventError(unknown, 'unknown-type', 'not yet');
    };
    applied.misbehave = refuse;
    const [id, other] = [orderId(), orderId()];
    const first = await run({ groupId }, applied);
    await send(event(id, 1), event(id, 2, { type: 'OrderArchived' }), event(id, 3), event(other, 1));
    await applies(applied, other, 1);
    await noLag(first.strategy);
    await first.app.close();
    apps.length = 0;

    const second = await run({ groupId }, applied);
    await send(event(id, 4), event(other, 2));
    await applies(applied, other, 2);
    await noLag(second.strategy);
    expect(applied.versions.get(id)).toBe(1);
    expect((await second.strategy.deadLetters.list({ streamId: id })).map(({ code }) => code)).toEqual([
      'stream-parked',
      'stream-parked',
      'unknown-type',
    ]);

    await expect(second.strategy.release(id, { by: 'ann' })).rejects.toThrow('unknown-type');
    expect(applied.versions.get(id)).toBe(1);
    applied.misbehave = () => undefined;
    expect(await second.strategy.release(id, { by: 'ann', note: 'handler deployed' })).toBe(3);
    expect(applied.versions.get(id)).toBe(4);
    await send(event(id, 5));
    await applies(applied, id, 5);
    expect(await second.strategy.deadLetters.parked()).toEqual([]);
    const [letter] = await second.strategy.deadLetters.list({ streamId: id });
    expect(letter).toMatchObject({ state: 'released', resolvedBy: 'ann', note: 'handler deployed' });
    await expect(second.strategy.release(id, { by: 'ann' })).rejects.toThrow('not held');
  });

  it('does not deliver a discarded message, also when its topic is read again', async () => {
    const groupId = randomUUID();
    const applied = new Applied();
    const id = orderId();
    const first = await run({ groupId }, applied);
    await send({ ...event(id, 1), value: Buffer.from('not from us') }, event(id, 1));
    const letters = await waitFor(async () => {
      const held = await first.strategy.deadLetters.list({ streamId: id, state: 'held' });
      return held.length === 2 && held;
    });
    const stranger = letters.find(({ code }) => code === 'value-malformed')?.id ?? 0;
    await first.strategy.deadLetters.discard(stranger, { by: 'ann', note: 'rogue producer' });
    await expect(first.strategy.deadLetters.discard(stranger, { by: 'ann' })).rejects.toThrow('not held');
    expect(await first.strategy.release(id, { by: 'ann' })).toBe(1);
    expect(applied.versions.get(id)).toBe(1);
    await noLag(first.strategy);
    await first.app.close();
    apps.length = 0;

    const admin = broker.admin();
    const partitions = [...(await admin.endOffsets(TOPICS.order)).keys()];
    await admin.setGroupOffsets(groupId, TOPICS.order, new Map(partitions.map((partition) => [partition, 0])));
    await admin.close();
    const again = new Applied();
    const second = await run({ groupId }, again);
    await applies(again, id, 1);
    await noLag(second.strategy);
    expect((await second.strategy.deadLetters.parked()).map(({ streamId }) => streamId)).not.toContain(id);
  });

  it('tries passing errors again, a TypeError masked by Nest among them, and loses nothing', async () => {
    const running = await run();
    let failures = 0;
    running.applied.misbehave = () => {
      failures += 1;
      if (failures <= 2) throw new Error('connection terminated');
      if (failures <= 4) throw new TypeError('cannot read properties of null');
    };
    const id = orderId();
    await send(event(id, 1), event(id, 2));
    await applies(running.applied, id, 2);
    expect(failures).toBeGreaterThanOrEqual(5);
    await noLag(running.strategy);
    expect(await running.strategy.deadLetters.list()).toEqual([]);
    expect(running.onFatal).not.toHaveBeenCalled();
  });

  it('says what a handler failed of, when its controller has the filter', async () => {
    const running = await run({ retry: { initialMs: 200 } });
    const id = `stock-${randomUUID()}`;
    let broken = true;
    running.applied.misbehave = ({ topic }) => {
      if (broken && topic === TOPICS.stock) throw new RangeError('stock table is missing');
    };
    await send(event(id, 1));
    const [stall] = await waitFor(() => running.strategy.health().stalled.length > 0 && running.strategy.health().stalled);
    expect(stall).toMatchObject({ topic: TOPICS.stock, reason: 'stock table is missing' });
    broken = false;
    await applies(running.applied, id, 1);
  });

  it('stops at a gap, is unhealthy at once, and ends the process when the gap lasts', async () => {
    const running = await run({ retry: { gapFatalAfterMs: 300 } });
    const id = orderId();
    await send(event(id, 1), event(id, 3));
    await waitFor(() => running.onFatal.mock.calls.length > 0, { what: 'onFatal' });
    expect(running.onFatal.mock.calls[0]?.[0]).toBeInstanceOf(GapError);
    expect(running.strategy.health()).toMatchObject({ healthy: false, connected: true, stalled: [{ gap: true }] });
    await expect(running.strategy.check()).rejects.toThrow('expected 2, received 3');
    expect((await running.strategy.lag()).reduce((sum, { lag }) => sum + lag, 0)).toBeGreaterThan(0);
    expect(await running.strategy.deadLetters.list()).toEqual([]);
  });

  it('stops soon while a batch is failing, and does not lose that batch', async () => {
    const groupId = randomUUID();
    const first = await run({ groupId });
    const id = orderId();
    first.applied.misbehave = () => {
      throw new Error('database is down');
    };
    await send(event(id, 1));
    await waitFor(() => first.strategy.health().stalled.length > 0, { what: 'the failure' });
    const startedAt = performance.now();
    await first.app.close();
    apps.length = 0;
    expect(performance.now() - startedAt).toBeLessThan(6_000);
    const second = await run({ groupId });
    await applies(second.applied, id, 1);
  });

  it('finishes and commits the running batch before it leaves', async () => {
    const groupId = randomUUID();
    const first = await run({ groupId });
    const id = orderId();
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    first.applied.misbehave = ({ messages }) => (messages.some(({ streamId }) => streamId === id) ? gate : undefined);
    await send(event(id, 1));
    await waitFor(() => first.applied.calls.some((call) => call.includes(id)), { what: 'the batch' });
    const closing = first.app.close();
    open();
    await closing;
    apps.length = 0;
    expect(first.applied.versions.get(id)).toBe(1);
    expect((await first.strategy.lag()).every(({ lag }) => lag === 0)).toBe(true);
  });

  it('makes one producer for letters that are put away at the same time, tries again when it could not, and closes it', async () => {
    let made = 0;
    let fails = true;
    const close = vi.fn<() => Promise<void>>(() => Promise.resolve());
    const send: BatchProducer['send'] = (messages) => Promise.resolve(messages.map(() => ({ outcome: 'acknowledged' as const })));
    const createProducer = async (): Promise<BatchProducer> => {
      made += 1;
      await new Promise(setImmediate);
      if (fails) throw new Error('broker away');
      return { connected: true, send, close };
    };
    const only = { createProducer } as Partial<Broker> as Broker;
    const strategy = new BatchConsumerStrategy({ broker: only, groupId: randomUUID(), pool, logger, onFatal: () => undefined });
    const letter = (offset: number): DeadLetter => {
      const message = received(encode(sampleEvent(orderId(), 1)), 0, offset);
      return { message, streamId: null, code: 'value-malformed', reason: 'not from us' };
    };
    await expect(strategy.deadLetters.store([letter(1)])).rejects.toThrow('broker away');
    fails = false;
    await Promise.all([2, 3, 4].map((offset) => strategy.deadLetters.store([letter(offset)])));
    await strategy.stop();
    expect([made, close.mock.calls.length]).toEqual([2, 1]);
  });

  it('refuses handlers that would have to answer, and an app without handlers', async () => {
    const strategy = new BatchConsumerStrategy({ broker, groupId: 'x', pool, logger, onFatal: () => undefined });
    expect(() => strategy.addHandler('a', () => Promise.reject(new Error('unused')), false)).toThrow('use @EventPattern');
    await expect(new Promise((_, reject) => strategy.listen(reject))).rejects.toThrow('no @EventPattern handler');
  });
});

const byCode = (a: { code: string }, b: { code: string }): number => a.code.localeCompare(b.code);

const texts = (headers: IncomingMessage['headers'] = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
