/**
 * Proves that each check can fail: a small world in which all invariants hold is broken by hand, one thing at a time, and the check
 * names what is broken. The database, its rows and the projections are real.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROJECTION_NAMES } from '#read-models';
import { checkAcceptedCommands } from './accepted-commands.check.js';
import type { Finding } from './finding.js';
import { checkGaplessStreams } from './gapless-streams.check.js';
import { checkMoney } from './money.check.js';
import { OperatorDecisions } from './operator-decisions.js';
import { checkPublishedEvents, checkPublishedOrder, readTopics } from './published-events.check.js';
import { checkReadModels } from './read-models.check.js';
import { checkSingleEffects } from './single-effects.check.js';
import { checkStock } from './stock.check.js';
import { SmallWorld } from './testing/small-world.js';
import type { TopicRecord } from './topic-records.js';

let world: SmallWorld;
beforeEach(async () => {
  world = await SmallWorld.create();
});
afterEach(() => world.end());

const offending = ({ violations }: Finding): readonly string[] => violations.kept;
const published = () =>
  OperatorDecisions.of(world.database).then((decisions) =>
    readTopics(
      {
        async *batches() {
          yield world.records;
        },
      },
      undefined,
      decisions,
    ),
  );
const money = () =>
  checkMoney(world.database, {
    async *payments() {
      yield* world.book;
    },
  });
const I = {
  I1: () => checkAcceptedCommands(world.database),
  I2: () => checkSingleEffects(world.database),
  I3: () => checkGaplessStreams(world.database),
  I4: async () => checkPublishedEvents(world.database, await published()),
  I5: async () => checkPublishedOrder(await published()),
  I6: () => checkReadModels({ projections: PROJECTION_NAMES, rebuild: (projection) => world.rebuild(projection) }),
  I7: money,
  I8: () => checkStock(world.database),
};

it('the small world breaks none', async () => {
  for (const [id, check] of Object.entries(I)) expect([id, offending(await check())]).toEqual([id, []]);
  expect((await I.I1()).counts).toEqual({ accepted: 5, refused: 1 });
  expect((await I.I7()).counts).toMatchObject({
    orders: 4,
    confirmed: 1,
    open: 0,
    payments: 3,
    netMinorUnits: 850,
    confirmedMinorUnits: 850,
  });
  expect((await I.I8()).counts).toMatchObject({ skus: 1, pieces: 5 });
});

describe('I1, no accepted command is lost', () => {
  it('misses the event of a command that was accepted', async () => {
    await world.tamper(`DELETE FROM tidemark.events WHERE stream_id = 'order-o1' AND version = 1`);
    expect(offending(await I.I1())).toEqual([
      expect.stringMatching(/^command .* \(PlaceOrder, key .*\) was accepted, but order-o1@1 names no event of it$/),
    ]);
  });

  it('is not content with an event of somebody else at that place', async () => {
    await world.tamper(`UPDATE tidemark.events SET command_id = NULL WHERE stream_id = 'stock-MUG' AND version = 1`);
    expect(offending(await I.I1())).toEqual([expect.stringContaining('ReceiveStock')]);
  });

  it('misses an answer that names no place', async () => {
    await world.tamper(`UPDATE tidemark.commands SET body = '"{}"' WHERE name = 'ReceiveStock'`);
    expect(offending(await I.I1())).toEqual([expect.stringContaining('its answer names no event')]);
  });

  it('finds an event whose command is unknown, or was refused', async () => {
    await world.tamper(`UPDATE tidemark.events SET command_id = gen_random_uuid() WHERE stream_id = 'order-o1' AND version = 2`);
    await world.tamper(`UPDATE tidemark.events SET command_id = (SELECT command_id FROM tidemark.commands WHERE status = 409)
      WHERE stream_id = 'order-o2' AND version = 2`);
    expect(offending(await I.I1())).toEqual([
      expect.stringMatching(/^event order-o1@2 .* is unknown$/),
      expect.stringMatching(/^event order-o2@2 .* was refused with 409$/),
    ]);
  });
});

describe('I2, nothing takes effect twice', () => {
  it('finds one cause with the same effect twice', async () => {
    await world.tamper(copyOf('stock-MUG', 1, 99));
    expect(offending(await I.I2())).toEqual([expect.stringMatching(/^stock-MUG: .* caused StockReceived at each of the versions 1, 99$/)]);
  });

  it('finds a step that was done twice', async () => {
    await world.tamper(copyOf('fulfilment-o1', 4, 7, 'gen_random_uuid()'));
    expect(offending(await I.I2())).toEqual(['fulfilment-o1: FulfilmentStepCompleted of capture at each of the versions 4, 7']);
  });

  it('finds a key with two commands', async () => {
    await world.tamper('ALTER TABLE tidemark.commands DROP CONSTRAINT commands_idempotency_key');
    await world.tamper(`UPDATE tidemark.commands SET idempotency_key = 'k' WHERE name = 'PlaceOrder'`);
    expect(offending(await I.I2())).toEqual([expect.stringMatching(/^key k belongs to the commands /)]);
  });
});

describe('I3, streams have no hole', () => {
  it('finds a version that is missing', async () => {
    await world.tamper(`DELETE FROM tidemark.events WHERE stream_id = 'payment-o1' AND version = 2`);
    expect(offending(await I.I3())).toEqual(['payment-o1 holds 2 events, versions 1 to 3, and its head says 3']);
  });

  it('finds a stream that begins late, ends early, or has no head', async () => {
    await world.tamper(`DELETE FROM tidemark.events WHERE stream_id = 'order-o1' AND version = 1`);
    await world.tamper(`UPDATE tidemark.streams SET version = 9 WHERE stream_id = 'order-o2'`);
    await world.tamper(`DELETE FROM tidemark.streams WHERE stream_id = 'order-o3'`);
    expect(offending(await I.I3())).toEqual([
      'order-o1 holds 1 events, versions 2 to 2, and its head says 2',
      'order-o2 holds 2 events, versions 1 to 2, and its head says 9',
      'order-o3 holds 3 events, versions 1 to 3, and its head says nothing',
    ]);
  });
});

describe('I4, every stored event is published', () => {
  const discardFromOutbox = (stream: string, version: number): Promise<void> =>
    world.tamper(
      `INSERT INTO tidemark.dead_letter_actions (position, stream_id, version, event_id, action, reason, actor)
       SELECT position, stream_id, version, event_id, 'discarded', 'spec', 'olga' FROM tidemark.events
       WHERE stream_id = '${stream}' AND version = ${version}`,
    );

  it('counts an event that an operator took out of the outbox, and what came after it is still in order', async () => {
    for (const [stream, version] of [
      ['order-o1', 1],
      ['order-o2', 2],
    ] as const) {
      world.records.splice(indexOf(stream, version), 1);
      expect((await I.I4()).violations.count).toBeGreaterThan(0);
      await discardFromOutbox(stream, version);
    }
    const finding = await I.I4();
    expect([offending(finding), finding.counts['unpublished']]).toEqual([[], 2]);
    expect(offending(await I.I5())).toEqual([]);
  });

  it('counts a record that was never ours once an operator discarded it, but no event of ours', async () => {
    const own = record('order-o1', 1);
    const foreign = { ...own, offset: '900', version: 7, eventId: '00000000-0000-4000-8000-000000000000' };
    const unreadable = { ...own, offset: '901', streamId: null, eventId: null };
    world.records.push(foreign, unreadable);
    expect((await I.I4()).violations.count).toBe(2);
    for (const { topic, partition, offset } of [own, foreign, unreadable]) {
      await world.tamper(
        `INSERT INTO tidemark.consumer_dead_letters (group_id, topic, "partition", "offset", code, reason, headers, state)
         VALUES ('projector', '${topic}', ${partition}, ${offset}, 'unknown-type', 'spec', '{}', 'discarded')`,
      );
    }
    const finding = await I.I4();
    expect([offending(finding), finding.counts['givenUp']]).toEqual([[], 2]);
  });

  it('finds an event that is not on its topic', async () => {
    const [gone] = world.records.splice(indexOf('order-o1', 2), 1);
    expect(offending(await I.I4())).toEqual([`order-o1@2 (${gone!.eventId}) is not on its topic`]);
  });

  it('finds a record without a stored event, on a known stream, a new one, or none', async () => {
    const some = world.records[0]!;
    world.records.push(
      { ...some, offset: '900', streamId: 'order-o1', version: 3, partition: record('order-o1', 1).partition },
      { ...some, offset: '901', streamId: 'order-o9', version: 1 },
      { ...some, offset: '902', eventId: null },
      { ...some, offset: '903', version: Number.NaN },
    );
    expect(offending(await I.I4())).toEqual([
      'tidemark.stock/0@902 is no event of ours',
      'tidemark.stock/0@903 is no event of ours',
      `order-o1@3 (${some.eventId}) is on its topic and not in the store`,
      `order-o9@1 (${some.eventId}) is on its topic and not in the store`,
    ]);
  });

  it('finds another event under a stored one’s place', async () => {
    const at = indexOf('order-o1', 2);
    const own = world.records[at]!.eventId;
    world.records[at] = { ...world.records[at]!, eventId: '00000000-0000-4000-8000-000000000000' };
    expect(offending(await I.I4())).toEqual([`order-o1@2 is ${own} in the store and 00000000-0000-4000-8000-000000000000 on its topic`]);
    world.records.push({ ...world.records[at]!, eventId: own, offset: '900' });
    expect(offending(await I.I4())[0]).toContain(`is another order-o1@2 (${own})`);
  });

  it('finds two events whose bodies have changed places, each under the other’s id and version', async () => {
    const [one, other] = [record('order-o1', 1), record('order-o2', 1)];
    world.records[indexOf('order-o1', 1)] = { ...one, content: other.content };
    world.records[indexOf('order-o2', 1)] = { ...other, content: one.content };
    expect(offending(await I.I4())).toEqual([
      `order-o1@1 (${one.eventId}) does not say on its topic what it says in the store`,
      `order-o2@1 (${other.eventId}) does not say on its topic what it says in the store`,
    ]);
  });

  it('finds a body that cannot be read, one that came before its turn, and a repetition that says something else', async () => {
    const [late, repeated, garbled] = [record('order-o1', 2), record('stock-MUG', 1), record('order-o2', 1)];
    world.records[indexOf('order-o2', 1)] = { ...garbled, content: null };
    const [first] = world.records.splice(indexOf('order-o1', 1), 1);
    world.records[indexOf('order-o1', 2)] = { ...late, content: garbled.content };
    world.records.push(first!, { ...repeated, offset: '900', content: garbled.content });
    expect(offending(await I.I4())).toEqual([
      `tidemark.stock/0@900 repeats stock-MUG@1 (${repeated.eventId}) and says something else`,
      `order-o1@2 (${late.eventId}) does not say on its topic what it says in the store`,
      `order-o2@1 (${garbled.eventId}) does not say on its topic what it says in the store`,
    ]);
  });

  it('counts what is there twice and does not mind', async () => {
    world.records.push({ ...record('order-o1', 1), offset: '900' }, { ...record('stock-MUG', 1), offset: '901' });
    const finding = await I.I4();
    expect([finding.violations.count, finding.counts['duplicates']]).toEqual([0, 2]);
    expect((await I.I5()).violations.count).toBe(0);
  });
});

describe('I5, published in order', () => {
  it('finds two events of a stream that have changed places', async () => {
    const [first, second] = [indexOf('order-o1', 1), indexOf('order-o1', 2)];
    [world.records[first], world.records[second]] = [world.records[second]!, world.records[first]!];
    expect(offending(await I.I5())).toEqual([expect.stringMatching(/^order-o1@2 \(.*\) comes before version 1$/)]);
    expect(offending(await I.I4())).toEqual([]);
  });

  it('finds a stream in two partitions', async () => {
    const at = indexOf('order-o1', 2);
    world.records[at] = { ...world.records[at]!, partition: 7 };
    expect(offending(await I.I5())).toEqual([expect.stringMatching(/^order-o1@2 lies in tidemark\.order\/7@/)]);
  });
});

describe('I6, read models equal their rebuild', () => {
  it('finds a row that was changed by hand', async () => {
    await world.tamper(`UPDATE read.orders SET total = total + 1 WHERE order_id = 'o1'`);
    expect(offending(await I.I6())).toEqual(['orders: row o1 of orders differs: total is 851, should be 850']);
  });

  it('finds a row that is missing, and one too many', async () => {
    await world.tamper(`DELETE FROM read.order_lines WHERE order_id = 'o2'`);
    await world.tamper(`INSERT INTO read.customer_spend (customer_id, currency, confirmed_orders, spend) VALUES ('nobody', 'GBP', 1, 1)`);
    expect(offending(await I.I6())).toEqual([
      'orders: row o2/1 of order_lines is missing',
      'orders: order_lines has 3 rows, its rebuild 4',
      'customers: row nobody/GBP of customer_spend should not be there',
      'customers: customer_spend has 2 rows, its rebuild 1',
    ]);
  });

  it('finds an event that was not applied', async () => {
    await world.tamper(`INSERT INTO tidemark.events (version, schema_version, occurred_at, event_id, correlation_id, causation_id, stream_id, type, actor, data)
      VALUES (99, 1, now(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'stock-NEW', 'StockReceived', 'spec', '{}')`);
    await world.tamper(
      `UPDATE tidemark.events SET version = 1, data = '{"sku":"NEW","quantity":1,"reference":null}' WHERE stream_id = 'stock-NEW'`,
    );
    expect(offending(await I.I6())).toEqual(['stock has not applied 1 events of 1 streams']);
  });
});

describe('I7, money', () => {
  const edit = (reference: string, change: Partial<(typeof world.book)[number]>): void => {
    const at = world.book.findIndex((payment) => payment.reference === reference);
    world.book[at] = { ...world.book[at]!, ...change };
  };

  it('finds a payment that only the gateway knows', async () => {
    world.book.push({ reference: 'pay-x', status: 'captured', amount: 100, currency: 'GBP' });
    expect(offending(await I.I7())).toEqual(["payment pay-x is in the gateway's book (captured, 100 GBP) and in no event"]);
  });

  it('finds a payment that the gateway does not know, knows otherwise, or knows twice', async () => {
    world.book.push(world.book[1]!);
    world.book.splice(0, 1);
    edit('pay-o3', { status: 'captured', amount: 1 });
    expect(offending(await I.I7())).toEqual([
      "payment pay-o2 is in the gateway's book twice",
      "order o1: its payment is captured by our events and not in the gateway's book",
      "order o3: its payment is refunded by our events and captured in the gateway's book",
      "order o3: its payment is of 1275 GBP and of 1 GBP in the gateway's book",
    ]);
  });

  it('finds an order both cancelled and charged', async () => {
    await world.tamper(`DELETE FROM tidemark.events WHERE type = 'PaymentRefunded'`);
    edit('pay-o3', { status: 'captured' });
    expect(offending(await I.I7())).toEqual(['order o3: is cancelled, but 1275 was captured and 0 refunded']);
  });

  it('finds an order charged twice, or not at all', async () => {
    await world.tamper(copyOf('payment-o1', 3, 4));
    expect(offending(await I.I7())).toEqual(['order o1: is confirmed over 850, but 1700 was captured and 0 refunded']);
    await world.tamper(`DELETE FROM tidemark.events WHERE stream_id = 'payment-o1' AND type = 'PaymentCaptured'`);
    edit('pay-o1', { status: 'authorized' });
    expect(offending(await I.I7())).toEqual([
      'order o1: is confirmed over 850, but 0 was captured and 0 refunded',
      'order o1: has ended, and its payment is still authorized by our events',
    ]);
  });

  it('finds money held for an order that was refused', async () => {
    edit('pay-o2', { status: 'authorized' });
    expect(offending(await I.I7())).toEqual(["order o2: its payment is declined by our events and authorized in the gateway's book"]);
  });

  it('does not compare with the book what an operator settled by hand; our own sums must still be right', async () => {
    await world.tamper(
      copyOf('fulfilment-o3', 1, 90).replace(
        'stream_id, type, actor, data\n  FROM',
        `stream_id, 'FulfilmentResolved', actor, data\n  FROM`,
      ),
    );
    edit('pay-o3', { status: 'captured' });
    const finding = await I.I7();
    expect([offending(finding), finding.counts['settledByHand']]).toEqual([[], 1]);
    await world.tamper(`DELETE FROM tidemark.events WHERE type = 'PaymentRefunded'`);
    expect(offending(await I.I7())).toEqual(['order o3: is cancelled, but 1275 was captured and 0 refunded']);
  });

  it('does not judge an order that has not ended', async () => {
    await world.tamper(`DELETE FROM tidemark.events WHERE stream_id = 'order-o1' AND version = 2`);
    const finding = await I.I7();
    expect([finding.violations.count, finding.counts['open']]).toEqual([0, 1]);
  });
});

describe('I8, stock', () => {
  it('finds a version at which more was reserved than there is', async () => {
    await world.tamper(`UPDATE tidemark.events SET data = jsonb_set(data, '{quantity}', '1') WHERE type = 'StockReceived'`);
    expect(offending(await I.I8())[0]).toBe('stock-MUG@2: 1 on hand, 2 reserved');
  });

  it('finds stock below zero', async () => {
    await world.tamper(`UPDATE tidemark.events SET data = jsonb_set(data, '{quantity}', '-1') WHERE type = 'StockReceived'`);
    expect(offending(await I.I8())[0]).toBe('stock-MUG@1: -1 on hand, 0 reserved');
  });

  it('finds a read model that says otherwise', async () => {
    await world.tamper(`UPDATE read.stock_levels SET shipped = shipped - 1, reserved = 1`);
    expect(offending(await I.I8())).toEqual([
      'MUG: shipped is 5 by its events and 4 in the read model; reserved is 0 by its events and 1 in the read model',
    ]);
    await world.tamper('DELETE FROM read.stock_levels');
    expect(offending(await I.I8())).toEqual(['MUG: is not in the read model']);
  });

  it('finds a reservation that nobody took back', async () => {
    await world.tamper(`DELETE FROM tidemark.events WHERE type = 'StockReleased'`);
    await world.tamper(`UPDATE read.stock_levels SET reserved = 1`);
    expect(offending(await I.I8())).toEqual(['order o2: 1 of MUG are still reserved, though it is OrderRejected']);
  });
});

const indexOf = (stream: string, version: number): number =>
  world.records.findIndex((record) => record.streamId === stream && record.version === version);
const record = (stream: string, version: number): TopicRecord => world.records[indexOf(stream, version)]!;

/** The same event once more, as a consumer without an inbox would write it. */
const copyOf = (stream: string, version: number, asVersion: number, cause = 'causation_id'): string => `
  INSERT INTO tidemark.events (version, schema_version, occurred_at, event_id, correlation_id, causation_id, command_id, stream_id, type, actor, data)
  SELECT ${asVersion}, schema_version, occurred_at, gen_random_uuid(), correlation_id, ${cause}, command_id, stream_id, type, actor, data
  FROM tidemark.events WHERE stream_id = '${stream}' AND version = ${version}`;
