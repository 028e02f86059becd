// Proves, against a real database: letters are kept whole or not at all, none is left behind in a stream that goes on, and bytes come
// back as they came in.
import { randomUUID } from 'node:crypto';

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createTestDatabase, waitFor, type TestDatabase } from '../../test/harness/index.js';
import { encode } from './cloud-events.codec.js';
import { ConsumerDeadLetters } from './consumer-dead-letters.js';
import { STREAM_PARKED, type DeadLetter } from './dead-letter.js';
import type { IncomingMessage } from './event-message.js';
import { received, sampleEvent } from './testing/samples.js';

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 6 });
  // Ended by the database, in somebody's hands.
  pool.on('connect', (client) => client.on('error', () => undefined));
});
afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

const resolution = { by: 'ann' };

function setUp(publish: (letters: readonly DeadLetter[]) => Promise<void> = () => Promise.resolve()): ConsumerDeadLetters {
  return new ConsumerDeadLetters({ pool, groupId: randomUUID(), publish });
}

function letter(streamId: string, offset: number, code = 'unknown-type', changes: Partial<IncomingMessage> = {}): DeadLetter {
  const message = { ...received(encode(sampleEvent(streamId, offset + 1)), 0, offset), ...changes };
  return { message, streamId, code, reason: 'as the spec wants it' };
}

const nothing = (): Promise<void> => Promise.resolve();

describe('ConsumerDeadLetters', () => {
  it('keeps poison and parks its stream, once, however often it comes', async () => {
    const letters = setUp();
    expect(await letters.store([letter('order-a', 0), letter('order-a', 1, STREAM_PARKED)])).toEqual([]);
    expect(await letters.store([letter('order-a', 0), letter('order-a', 1, STREAM_PARKED)])).toEqual([]);
    expect(await letters.list()).toHaveLength(2);
    expect(await letters.parked()).toMatchObject([{ streamId: 'order-a', code: 'unknown-type', held: 2 }]);
    expect([...(await letters.parkedStreams())]).toEqual(['order-a']);
  });

  it('keeps nothing when the copy for the topic cannot be sent', async () => {
    const letters = setUp(() => Promise.reject(new Error('broker away')));
    await expect(letters.store([letter('order-a', 0)])).rejects.toThrow('broker away');
    expect(await letters.list()).toEqual([]);
    expect(await letters.parked()).toEqual([]);
  });

  it('does not park what says no stream', async () => {
    const letters = setUp();
    await letters.store([{ ...letter('order-a', 0), streamId: null }]);
    expect(await letters.list()).toMatchObject([{ streamId: null, state: 'held' }]);
    expect(await letters.parked()).toEqual([]);
  });

  it('does not keep what waits for a stream that is not parked', async () => {
    const letters = setUp();
    expect(await letters.store([letter('order-a', 3, STREAM_PARKED), letter('order-b', 4)])).toEqual(['order-a']);
    expect(await letters.list()).toEqual([]);
    expect(await letters.parked()).toEqual([]);
  });

  it('leaves no letter behind when one arrives while its stream is being released', async () => {
    const letters = setUp();
    await letters.store([letter('order-a', 0)]);
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    let delivering = false;
    const released = letters.release('order-a', resolution, async () => {
      delivering = true;
      await gate;
    });
    await waitFor(() => delivering, { what: 'the delivery' });
    const arriving = letters.store([letter('order-a', 1, STREAM_PARKED)]);
    await waitFor(async () => (await waitingForLocks()) > 0, { what: 'the letter to wait for the release' });
    open();
    // The release looks once more before it ends the parking; the letter gets in before that, or learns that it need not.
    const [count, goesOn] = await Promise.all([released, arriving]);
    expect([count, goesOn.length]).toEqual(goesOn.length === 0 ? [2, 0] : [1, 1]);
    expect(await letters.list({ state: 'held' })).toEqual([]);
    expect(await letters.parked()).toEqual([]);
  });

  it('loses a stream that it has stood on for too long, to whoever waits for it', async () => {
    const groupId = randomUUID();
    const [stopped, other] = [200, 60_000].map(
      (standstillMs) => new ConsumerDeadLetters({ pool, groupId, publish: nothing, standstillMs }),
    ) as [ConsumerDeadLetters, ConsumerDeadLetters];
    await stopped.store([letter('order-a', 0)]);
    let goOn: () => void = () => undefined;
    const standing = new Promise<void>((resolve) => (goOn = resolve));
    let delivering = false;
    const released = stopped.release('order-a', resolution, () => {
      delivering = true;
      return standing;
    });
    const refused = expect(released).rejects.toThrow(/idle-in-transaction|Connection terminated|not queryable/);
    await waitFor(() => delivering, { what: 'the delivery' });
    await expect(other.store([letter('order-a', 1, STREAM_PARKED)])).resolves.toEqual([]);
    goOn();
    await refused;
    expect(await other.parked()).toMatchObject([{ held: 2 }]);
  });

  it('delivers in order of offset, in pieces, and stays where it stands when one fails', async () => {
    const letters = setUp();
    const many = Array.from({ length: 1_100 }, (_, offset) => letter('stock-a', offset, offset === 0 ? 'unknown-type' : STREAM_PARKED));
    await letters.store(many.toReversed());
    const offsets: number[] = [];
    let calls = 0;
    const deliver = (messages: readonly IncomingMessage[]): Promise<void> => {
      calls += 1;
      if (calls === 2) return Promise.reject(new Error('database is down'));
      offsets.push(...messages.map(({ offset }) => Number(offset)));
      return Promise.resolve();
    };
    await expect(letters.release('stock-a', resolution, deliver)).rejects.toThrow('database is down');
    expect(await letters.parked()).toMatchObject([{ held: 600 }]);
    expect(await letters.release('stock-a', resolution, deliver)).toBe(600);
    expect(offsets).toEqual(many.map((_, offset) => offset));
    expect(await letters.parked()).toEqual([]);
  });

  it('gives back bytes and headers as they came', async () => {
    const letters = setUp();
    const odd: Partial<IncomingMessage> = {
      key: Buffer.from([0, 255, 10]),
      value: Buffer.from([0x7b, 0, 0xff]),
      headers: {
        plain: Buffer.from('text'),
        bytes: Buffer.from([0, 1, 254]),
        twice: [Buffer.from('a'), Buffer.from('b')],
        empty: Buffer.alloc(0),
      },
    };
    await letters.store([{ ...letter('order-a', 7, 'value-malformed', odd), reason: 'a NUL \u0000 and half a pair \ud800' }]);
    const [record] = await letters.list({ streamId: 'order-a' });
    const inspected = await letters.inspect(record?.id ?? 0);
    expect(inspected?.message).toEqual({ topic: 'tidemark.order', partition: 0, offset: '7', ...odd });
    expect(record).toMatchObject({
      offset: '7',
      reason: 'a NUL \ufffd and half a pair \ufffd',
      recordedAt: expect.stringMatching(/Z$/) as string,
    });
    expect(await letters.inspect(0)).toBeUndefined();
  });

  it('lists pages, newest first, and one group sees nothing of another', async () => {
    const letters = setUp();
    await letters.store([0, 1, 2].map((offset) => letter(`order-${offset}`, offset)));
    const [first] = await letters.list({ limit: 1 });
    expect(first?.streamId).toBe('order-2');
    expect((await letters.list({ beforeId: first?.id ?? 0 })).map(({ streamId }) => streamId)).toEqual(['order-1', 'order-0']);
    expect(await setUp().list()).toEqual([]);
    await expect(setUp().release('order-0', resolution, nothing)).rejects.toThrow('not held');
    await expect(setUp().discard(first?.id ?? 0, resolution)).rejects.toThrow('not held');
  });

  it('holds a released message again when it turns out to be poison once more, but never a discarded one', async () => {
    const letters = setUp();
    await letters.store([letter('order-a', 0), letter('order-b', 1)]);
    const [b] = await letters.list({ streamId: 'order-b' });
    await letters.discard(b?.id ?? 0, { by: 'ann', note: 'rogue' });
    await letters.release('order-a', resolution, nothing);
    await letters.store([letter('order-a', 0)]);
    expect(await letters.list({ streamId: 'order-a' })).toMatchObject([{ state: 'held', resolvedBy: null }]);
    const seenAgain = [letter('order-a', 0).message, letter('order-b', 1).message];
    expect([...(await letters.discarded(seenAgain))]).toEqual(['1']);
    expect(await letters.list({ state: 'discarded' })).toMatchObject([{ streamId: 'order-b', resolvedBy: 'ann', note: 'rogue' }]);
  });

  it.each(['unknown-type', STREAM_PARKED])('keeps who discarded a letter, and why, when it is stored again as %s', async (code) => {
    const letters = setUp();
    await letters.store([letter('order-a', 0), letter('order-a', 1, STREAM_PARKED)]);
    const waiting = (await letters.list()).find(({ offset }) => offset === '1');
    await letters.discard(waiting?.id ?? 0, { by: 'alice', note: 'a stray' });
    await letters.store([letter('order-a', 1, code)]);
    expect(await letters.list({ state: 'discarded' })).toMatchObject([
      { offset: '1', code: STREAM_PARKED, resolvedBy: 'alice', note: 'a stray', resolvedAt: expect.any(String) as string },
    ]);
    const delivered: string[] = [];
    await letters.release('order-a', resolution, async (messages) => void delivered.push(...messages.map(({ offset }) => offset)));
    expect(delivered).toEqual(['0']);
  });
});

async function waitingForLocks(): Promise<number> {
  const { rows } = await pool.query<{ count: string }>(
    `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return Number(rows[0]?.count);
}
