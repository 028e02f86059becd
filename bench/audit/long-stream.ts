import type pg from 'pg';
import { STOCK_STATE_VERSION, stockDecider, type StockEvent, type StockState } from '#domain';
import { EventStore } from '#event-store';
import { Random } from '../../dev/chaos/load/random.js';

export const SKU = '85123A';
export const STREAM = `stock-${SKU}`;
export const EVENTS = 10_000;
/** A version near the end, and not the end. */
export const VERSION = EVENTS - 10;
/** The orchestrator makes a snapshot every 200 events: so many may be left to fold. */
export const BEHIND = 150;

/** Stock that is received, reserved and shipped, over and over; a few reservations are open at any time. Always the same. */
function* stockEvents(): Generator<StockEvent> {
  const random = new Random(3);
  const open: { orderId: string; quantity: number }[] = [];
  yield { type: 'StockReceived', data: { sku: SKU, quantity: 1_000_000, reference: null } };
  for (let number = 2; number <= EVENTS; number += 1) {
    if (open.length > 0 && (open.length >= 8 || random.chance(0.5))) {
      yield { type: 'StockShipped', data: { sku: SKU, ...open.shift()! } };
    } else {
      const reserved = { orderId: `01890a5d-0000-7000-8000-${String(number).padStart(12, '0')}`, quantity: random.between(1, 24) };
      open.push(reserved);
      yield { type: 'StockReserved', data: { sku: SKU, ...reserved } };
    }
  }
}

/** The stream in the store, and a snapshot of it. Answers the state at {@link VERSION}. */
export async function loadLongStream(pool: pg.Pool): Promise<StockState> {
  const events = [...stockEvents()];
  await pool.query('INSERT INTO tidemark.streams (stream_id, version) VALUES ($1, $2)', [STREAM, EVENTS]);
  await pool.query(
    `INSERT INTO tidemark.events (stream_id, version, event_id, type, schema_version, data, occurred_at, correlation_id, causation_id, actor)
     SELECT $1, version, gen_random_uuid(), type, 1, data::jsonb, now(), gen_random_uuid(), gen_random_uuid(), 'bench'
     FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS e (type, data, version) ORDER BY version`,
    [STREAM, events.map(({ type }) => type), events.map(({ data }) => JSON.stringify(data))],
  );
  const stateAt = (version: number): StockState => events.slice(0, version).reduce(stockDecider.evolve, stockDecider.initialState);
  const version = VERSION - BEHIND;
  await new EventStore({ pool }).saveSnapshots([
    { streamId: STREAM, version, schemaVersion: STOCK_STATE_VERSION, state: stateAt(version) },
  ]);
  await pool.query('VACUUM ANALYZE tidemark.events');
  return stateAt(VERSION);
}
