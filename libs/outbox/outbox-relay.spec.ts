// Proves the relay's promises: everything once at least, in order within a stream, whatever commits late, dies or stands still.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, waitFor } from '../../test/harness/index.js';
import type { OutboxRow } from './outbox-row.js';
import { SHARD_COUNT } from './shard-locks.js';
import { gate, outboxFixture, range, RecordingPublisher, type OutboxFixture } from './testing/outbox-fixture.js';

let outbox: OutboxFixture;

beforeAll(async () => {
  outbox = await outboxFixture({ createTestDatabase, waitFor });
});
afterEach(async () => {
  await outbox.reset();
});
afterAll(async () => {
  await outbox.close();
});

const names = (streamId: string, from: number, to: number): string[] => range(from, to).map((version) => `${streamId}@${version}`);

describe('one relay', () => {
  it('publishes all rows in order within each stream and deletes them', async () => {
    const broker = new RecordingPublisher();
    for (const version of range(1, 30)) for (const stream of ['order-a', 'order-b', 'stock-c']) await outbox.insert(stream, [version]);
    expect(await outbox.relay(broker, { batchSize: 40 }).runOnce()).toBe(90);
    for (const stream of ['order-a', 'order-b', 'stock-c']) expect(broker.firstOf(stream)).toEqual(names(stream, 1, 30));
    expect(broker.sent).toHaveLength(90);
    expect(await outbox.left()).toBe(0);
  });

  it('hands over everything a publisher needs', async () => {
    const broker = new RecordingPublisher();
    const seen: unknown[] = [];
    broker.answer = (rows) => {
      seen.push(...rows);
      return broker.accept(rows);
    };
    await outbox.insert('order-full', [1]);
    await outbox.relay(broker).runOnce();
    const { rows } = await outbox.pool.query(`SELECT event_id, correlation_id, causation_id FROM tidemark.events`);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(seen).toEqual([
      {
        seq: 1,
        shard: expect.any(Number),
        streamId: 'order-full',
        version: 1,
        eventId: rows[0].event_id,
        type: 'Counted',
        schemaVersion: 1,
        data: '{"n": 1}',
        occurredAt: time,
        recordedAt: time,
        correlationId: rows[0].correlation_id,
        causationId: rows[0].causation_id,
        actor: 'spec',
        commandId: null,
        traceparent: null,
        place: '(0,1)',
      },
    ]);
  });

  it('does not skip what commits after something newer was published', async () => {
    const broker = new RecordingPublisher();
    const relay = outbox.relay(broker);
    const slow = await outbox.pool.connect();
    await slow.query('BEGIN');
    await outbox.insert('order-slow', [1], slow);
    await outbox.insert('order-fast', range(1, 3));
    await relay.runOnce();
    expect(broker.sent).toEqual(names('order-fast', 1, 3));
    await slow.query('COMMIT');
    slow.release();
    await relay.runOnce();
    expect(broker.sent).toEqual([...names('order-fast', 1, 3), 'order-slow@1']);
    expect(await outbox.left()).toBe(0);
  });

  it('is not stalled by a foreign transaction that stays open', async () => {
    const foreign = await outbox.pool.connect();
    await foreign.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await foreign.query('SELECT pg_current_xact_id(), count(*) FROM tidemark.events');
    const broker = new RecordingPublisher();
    await outbox.insert('order-a', range(1, 5));
    expect(await outbox.relay(broker).runOnce()).toBe(5);
    await foreign.query('ROLLBACK');
    foreign.release();
  });

  it('keeps rows whose sending failed, and sends them again in order', async () => {
    const broker = new RecordingPublisher();
    let failures = 3;
    broker.answer = (rows) => {
      if (failures === 0) return broker.accept(rows);
      failures -= 1;
      if (failures === 1) throw new Error('no broker');
      // Half of it arrived, the rest did not.
      const half = rows.slice(0, rows.length >> 1);
      return { ...broker.accept(half), failure: new Error('broker went away') };
    };
    await outbox.insert('order-a', range(1, 16));
    const relay = outbox.relay(broker);
    await expect(relay.runOnce()).rejects.toThrow('broker went away');
    expect(await outbox.left()).toBe(8);
    relay.start();
    await waitFor(async () => (await outbox.left()) === 0, { what: 'the outbox to be empty' });
    expect(broker.firstOf('order-a')).toEqual(names('order-a', 1, 16));
    await waitFor(() => relay.health().failing === null);
  });

  it('tells since when and why it fails', async () => {
    const broker = new RecordingPublisher();
    broker.answer = () => {
      throw new Error('no broker');
    };
    await outbox.insert('order-a', [1]);
    const relay = outbox.relay(broker);
    expect(relay.health()).toMatchObject({ connected: false, shards: [], failing: null });
    relay.start();
    const { failing } = await waitFor(() => relay.health().failing !== null && relay.health());
    expect(failing).toMatchObject({ reason: 'no broker', since: expect.stringMatching(/Z$/) });
    expect(await outbox.left()).toBe(1);
  });

  it('bounds a round in rows and in bytes, and lets no busy shard starve the others', async () => {
    const sizes: number[] = [];
    const broker = new RecordingPublisher();
    broker.answer = (rows) => {
      sizes.push(rows.length);
      return broker.accept(rows);
    };
    await outbox.insert('order-busy', range(1, 100));
    await outbox.insert('order-calm', [1]);
    const byRows = outbox.relay(broker, { batchSize: 160 });
    await byRows.runOnce();
    await byRows.stop();
    expect(sizes[0]).toBe(11);
    expect(broker.sent.indexOf('order-calm@1')).toBeLessThan(11);

    sizes.length = 0;
    await outbox.insert('order-heavy', range(1, 6));
    await outbox.pool.query(
      `UPDATE tidemark.events SET data = jsonb_build_object('text', (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 20) n)) WHERE stream_id = 'order-heavy'`,
    );
    // Each shard may take a sixteenth, 1,000 bytes, and the row that goes beyond: two rows of some 660.
    await outbox.relay(broker, { batchBytes: 16 * 1_000 }).runOnce();
    expect(sizes).toEqual([2, 2, 2]);
  });
});

describe('a backlog', () => {
  const streams = range(1, 32).map((n) => `order-${n}`);
  const options = { batchSize: 32, rebalanceMs: 60_000 };
  const fill = async (of: readonly string[], versions: readonly number[]): Promise<void> => {
    for (const version of versions) for (const stream of of) await outbox.insert(stream, [version]);
  };
  /** Which part of the shards, when all rows lie in one: a relay that holds all of them deals them out in three. */
  const partOf = (rows: readonly OutboxRow[]): number | undefined => {
    const parts = new Set(rows.map(({ shard }) => shard % 3));
    return parts.size === 1 ? [...parts][0] : undefined;
  };

  it('is read on in some shards while rows of others are on their way, each row once and in order', async () => {
    await fill(streams, range(1, 12));
    const broker = new RecordingPublisher();
    const [otherPart, release] = [gate(), gate()];
    let held: number | undefined;
    broker.answer = async (rows) => {
      const part = partOf(rows);
      if (part === undefined) return broker.accept(rows);
      if (held === undefined) {
        held = part;
        await release.opened;
      } else if (part !== held) {
        otherPart.open();
      }
      return broker.accept(rows);
    };
    const running = outbox.relay(broker, options).runOnce();
    await otherPart.opened;
    release.open();
    expect(await running).toBe(32 * 12);
    for (const stream of streams) expect(broker.sent.filter((name) => name.startsWith(`${stream}@`))).toEqual(names(stream, 1, 12));
    expect(await outbox.left()).toBe(0);
  });

  it('keeps what failed in some shards, and gives up no shard before the others are done', async () => {
    await fill(streams, range(1, 6));
    const broker = new RecordingPublisher();
    const [other, failed, release] = [gate(), gate(), gate()];
    let failing: number | undefined;
    let ended = false;
    broker.answer = async (rows) => {
      const part = partOf(rows);
      if (part === undefined) return broker.accept(rows);
      failing ??= part;
      if (part === failing) {
        await other.opened;
        failed.open();
        throw new Error('broker went away');
      }
      other.open();
      await release.opened;
      return broker.accept(rows);
    };
    const relay = outbox.relay(broker, options);
    const running = relay.runOnce().finally(() => (ended = true));
    running.catch(() => undefined);
    await failed.opened;
    await outbox.pool.query('SELECT 1');
    expect(ended).toBe(false);
    const sent = broker.sent.length;
    release.open();
    await expect(running).rejects.toThrow('broker went away');
    expect(broker.sent.length).toBeGreaterThan(sent);
    expect(await outbox.left()).toBe(32 * 6 - broker.sent.length);
    broker.answer = (rows) => broker.accept(rows);
    await relay.runOnce();
    for (const stream of streams) expect(broker.sent.filter((name) => name.startsWith(`${stream}@`))).toEqual(names(stream, 1, 6));
  });

  it('of some shards does not keep rows of others waiting', async () => {
    const { rows } = await outbox.pool.query<{ stream: string; part: number }>(
      'SELECT stream, ((hashtextextended(stream, 0) & 15) % 3)::integer AS part FROM unnest($1::text[]) AS stream',
      [range(1, 64).map((n) => `order-${n}`)],
    );
    const busy = rows.flatMap(({ stream, part }) => (part === 0 ? [stream] : []));
    const calm = rows.find(({ part }) => part === 1)!.stream;
    await fill(busy, range(1, 12));
    const broker = new RecordingPublisher();
    let calls = 0;
    broker.answer = async (batch) => {
      calls += 1;
      if (calls === 3) await outbox.insert(calm, [1]);
      return broker.accept(batch);
    };
    expect(await outbox.relay(broker, options).runOnce()).toBe(busy.length * 12 + 1);
    const after = broker.sent.length - broker.sent.indexOf(`${calm}@1`);
    expect(after).toBeGreaterThan((busy.length * 12) / 2);
  });
});

describe('several relays', () => {
  it('share the shards, and one that dies is replaced', async () => {
    const broker = new RecordingPublisher();
    const first = outbox.relay(broker, { name: 'relay-1' });
    first.start();
    await waitFor(() => first.health().shards.length === SHARD_COUNT);
    const second = outbox.relay(broker, { name: 'relay-2' });
    second.start();
    await waitFor(() => first.health().shards.length === 8 && second.health().shards.length === 8);
    const third = outbox.relay(broker, { name: 'relay-3' });
    third.start();
    const held = (): number[] => [first, second, third].map((relay) => relay.health().shards.length);
    await waitFor(() => held().reduce((sum, n) => sum + n, 0) === SHARD_COUNT && held().every((n) => n >= 4 && n <= 6), {
      what: 'a fair share',
    });
    const shards = [first, second, third].flatMap((relay) => relay.health().shards);
    expect(new Set(shards).size).toBe(SHARD_COUNT);

    const streams = range(1, 40).map((n) => `order-${n}`);
    for (const version of range(1, 5)) await Promise.all(streams.map((stream) => outbox.insert(stream, [version])));
    await Promise.all([second.stop(), outbox.killSession('relay-3'), third.stop()]);
    for (const version of range(6, 8)) await Promise.all(streams.map((stream) => outbox.insert(stream, [version])));
    await waitFor(() => first.health().shards.length === SHARD_COUNT);
    await waitFor(async () => (await outbox.left()) === 0);
    for (const stream of streams) expect(broker.firstOf(stream)).toEqual(names(stream, 1, 8));
    expect(first.health()).toMatchObject({ members: 1, shardsOwned: SHARD_COUNT });
  });

  it('a relay whose connection is lost comes back by itself', async () => {
    const broker = new RecordingPublisher();
    const relay = outbox.relay(broker, { name: 'relay-lost' });
    relay.start();
    await waitFor(() => relay.health().shards.length === SHARD_COUNT);
    await outbox.killSession('relay-lost');
    await outbox.insert('order-a', range(1, 3));
    await waitFor(async () => (await outbox.left()) === 0);
    expect(broker.firstOf('order-a')).toEqual(names('order-a', 1, 3));
    expect(relay.health()).toMatchObject({ connected: true, failing: null });
  });

  it('a relay that stood still past its lock sends repeats, deletes nothing, and reorders no first occurrence', async () => {
    const broker = new RecordingPublisher();
    const stalled = new RecordingPublisher();
    const [inside, goOn] = [gate(), gate()];
    stalled.answer = async (rows) => {
      inside.open();
      await goOn.opened;
      stalled.answer = (later) => broker.accept(later);
      return broker.accept(rows);
    };
    await outbox.insert('order-a', range(1, 6));
    const first = outbox.relay(stalled, { name: 'relay-stalled' });
    first.start();
    await inside.opened;

    await outbox.killSession('relay-stalled');
    const second = outbox.relay(broker, { name: 'relay-next', batchSize: 4 * SHARD_COUNT });
    expect(await second.runOnce()).toBe(6);
    await outbox.insert('order-a', range(7, 9));
    // Rows of a new life of the outbox: the stalled relay's late delete must not touch them.
    goOn.open();
    await waitFor(() => broker.sent.length === 12, { what: 'the late repeats' });
    await waitFor(async () => {
      await second.runOnce();
      return (await outbox.left()) === 0;
    });
    expect(broker.first).toEqual(names('order-a', 1, 9));
    expect(broker.sent.length).toBeGreaterThan(9);
  });

  it('a relay that stalled with only part of a stream read does not let the rest overtake', async () => {
    const broker = new RecordingPublisher();
    const stalled = new RecordingPublisher();
    const [inside, goOn] = [gate(), gate()];
    stalled.answer = async (rows) => {
      inside.open();
      await goOn.opened;
      return broker.accept(rows);
    };
    await outbox.insert('order-a', range(1, 6));
    // A batch of one row a shard: the stalled relay holds only version 1.
    const first = outbox.relay(stalled, { name: 'relay-part', batchSize: SHARD_COUNT });
    first.start();
    await inside.opened;
    await outbox.killSession('relay-part');
    const [midway, proceed] = [gate(), gate()];
    broker.answer = async (rows) => {
      const result = broker.accept(rows);
      midway.open();
      await proceed.opened;
      return result;
    };
    const running = outbox.relay(broker, { batchSize: 3 * SHARD_COUNT }).runOnce();
    await midway.opened;
    goOn.open();
    await waitFor(() => broker.sent.length === 4, { what: 'the late repeat' });
    await first.stop();
    proceed.open();
    await running;
    expect(broker.first).toEqual(names('order-a', 1, 6));
  });
});
