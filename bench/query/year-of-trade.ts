import pg from 'pg';
import { upcasters, type FulfilmentEvent, type OrderEvent, type OrderLine, type StockEvent } from '#domain';
import { EventReader, Upcasters } from '#event-store/read';
import { PROJECTION_NAMES } from '#read-models';
import { rebuildBeside } from '#read-models/write';
import { Random } from '../../dev/chaos/load/random.js';

/** About what the Online Retail year holds. */
export interface Trade {
  readonly orders: number;
  readonly skus: number;
  readonly customers: number;
}

export const YEAR: Trade = { orders: 20_000, skus: 4_000, customers: 4_300 };
/** For a look: a month of it. */
export const MONTH: Trade = { orders: 1_600, skus: 1_000, customers: 900 };

const SEED = 2_011;
/** Lines an order: 1 to 51, 26 on average. */
const MOST_LINES = 51;
const STARTS_AT = Date.parse('2010-12-01T08:00:00Z');
const ENDS_AT = Date.parse('2011-12-09T13:00:00Z');
/** Streams a statement. */
const BATCH = 500;

/** The n-th order, 0 the first. */
export const orderIdOf = (number: number): string => `01890a5d-0000-7000-8000-${String(number).padStart(12, '0')}`;
/** When it was placed. */
export const placedAtOf = ({ orders }: Trade, number: number): string =>
  new Date(STARTS_AT + Math.floor(((ENDS_AT - STARTS_AT) * number) / orders)).toISOString();

interface Stream {
  readonly id: string;
  readonly events: readonly (OrderEvent | StockEvent | FulfilmentEvent)[];
  readonly occurredAt: string;
}

/**
 * A year of orders in the store, always the same, and from there, by the product's own rebuild, in all read models. The store holds all
 * of each order, and of stock and fulfilments only what read models show: how they got there would be a million events.
 */
export async function loadTrade(databaseUrl: string, trade: Trade): Promise<void> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2, options: '-c timezone=UTC -c synchronous_commit=off' });
  try {
    let batch: Stream[] = [];
    for (const stream of streamsOf(trade)) {
      if (batch.push(stream) < BATCH) continue;
      await insert(pool, batch);
      batch = [];
    }
    await insert(pool, batch);
    await pool.query('ANALYZE');
    const source = new EventReader({ pool, upcasters: new Upcasters(upcasters) });
    for (const name of PROJECTION_NAMES) {
      const rebuild = await rebuildBeside(name, { databaseUrl, source });
      try {
        await rebuild.swap({ accept: true });
      } finally {
        await rebuild.close();
      }
    }
    await pool.query('VACUUM ANALYZE');
  } finally {
    await pool.end();
  }
}

function* streamsOf(trade: Trade): Generator<Stream> {
  for (let sku = 0; sku < trade.skus; sku += 1) {
    const data = { sku: skuOf(sku), quantity: 10_000, reference: null };
    yield { id: `stock-${data.sku}`, events: [{ type: 'StockReceived', data }], occurredAt: new Date(STARTS_AT).toISOString() };
  }
  for (let number = 0; number < trade.orders; number += 1) {
    const orderId = orderIdOf(number);
    const random = new Random(SEED, number);
    const lines = Array.from({ length: random.between(1, MOST_LINES) }, (_, index) => lineOf(random, trade, index + 1));
    const total = lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0);
    const customer = random.between(0, trade.customers);
    const occurredAt = placedAtOf(trade, number);
    const placed: OrderEvent = {
      type: 'OrderPlaced',
      data: {
        orderId,
        reference: String(536_365 + number),
        customer: { id: String(12_346 + customer), name: `Customer ${customer}`, email: null, country: random.of(COUNTRIES) },
        currency: 'GBP',
        lines,
        total,
        paymentToken: 'tok_ok',
      },
    };
    const [end, outcome] = random.weighted(ENDS);
    yield { id: `order-${orderId}`, events: [placed, ...end(orderId)], occurredAt };
    yield {
      id: `fulfilment-${orderId}`,
      events: [
        {
          type: 'FulfilmentStarted',
          data: { orderId, items: [{ sku: lines[0]!.sku, quantity: 1 }], amount: total, currency: 'GBP', paymentToken: 'tok_ok' },
        },
        { type: 'FulfilmentCompleted', data: { orderId, outcome } },
      ],
      occurredAt,
    };
  }
}

const COUNTRIES = ['United Kingdom', 'United Kingdom', 'United Kingdom', 'United Kingdom', 'Germany', 'France', 'EIRE'];

type Outcome = 'confirmed' | 'rejected' | 'cancelled';
const ENDS: readonly (readonly [weight: number, end: readonly [events: (orderId: string) => OrderEvent[], outcome: Outcome]])[] = [
  [94, [(orderId) => [{ type: 'OrderConfirmed', data: { orderId } }], 'confirmed']],
  [3, [(orderId) => [{ type: 'OrderRejected', data: { orderId, reason: { code: 'payment-declined', detail: 'declined' } } }], 'rejected']],
  [
    3,
    [
      (orderId) => [
        { type: 'OrderConfirmed', data: { orderId } },
        { type: 'OrderCancelled', data: { orderId, reason: 'Ordered twice.', cancelledFrom: 'confirmed' } },
      ],
      'cancelled',
    ],
  ],
];

const skuOf = (number: number): string => `${10_000 + number}A`;

function lineOf(random: Random, { skus }: Trade, lineNo: number): OrderLine {
  // Squared: few goods are sold often.
  const sku = Math.floor(random.next() ** 2 * skus);
  return {
    lineNo,
    sku: skuOf(sku),
    description: `WHITE HANGING HEART T-LIGHT HOLDER ${sku}`,
    quantity: random.between(1, 24),
    unitPrice: random.between(10, 1_500),
  };
}

async function insert(pool: pg.Pool, streams: readonly Stream[]): Promise<void> {
  if (streams.length === 0) return;
  const events = streams.flatMap(({ id, events: all, occurredAt }) =>
    all.map((event, index) => ({ id, version: index + 1, ...event, occurredAt })),
  );
  await pool.query({
    name: 'load',
    text: `
      WITH head AS (INSERT INTO tidemark.streams (stream_id, version) SELECT * FROM unnest($1::text[], $2::int[]))
      INSERT INTO tidemark.events (stream_id, version, event_id, type, schema_version, data, occurred_at, recorded_at,
                                   correlation_id, causation_id, actor)
      SELECT stream_id, version, gen_random_uuid(), type, 1, data::jsonb, occurred_at::timestamptz, occurred_at::timestamptz + version * interval '40 ms',
        gen_random_uuid(), gen_random_uuid(), 'bench'
      FROM unnest($3::text[], $4::int[], $5::text[], $6::text[], $7::text[]) AS e (stream_id, version, type, data, occurred_at)`,
    values: [
      streams.map(({ id }) => id),
      streams.map(({ events: all }) => all.length),
      events.map(({ id }) => id),
      events.map(({ version }) => version),
      events.map(({ type }) => type),
      events.map(({ data }) => JSON.stringify(data)),
      events.map(({ occurredAt }) => occurredAt),
    ],
  });
}
