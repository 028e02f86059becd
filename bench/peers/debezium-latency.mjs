import pg from 'pg';
import { DATA, OCCURRED_AT, TYPE } from '../../dist/bench/append/append-load.js';
import { LatencyMeter } from '../../dist/bench/relay/latency-meter.js';
import { prepareOutbox, startEngine } from './debezium-engine.mjs';

const INSERT = `
  INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, version, schema_version, occurred_at, correlation_id, causation_id, actor)
  SELECT id, 'stock', 'stock-' || id, $2, $3::jsonb, 1, 1, $4::timestamptz, id, id, 'bench' FROM unnest($1::uuid[]) AS id`;

/** Rows of its outbox, those that wait sharing a commit as ours do. */
export async function open(settings) {
  await prepareOutbox(settings.databaseUrl);
  const engine = await startEngine({ ...settings, pollMs: 5, batch: 2_048 });
  engine.tell('flow');
  const pool = new pg.Pool({ connectionString: settings.databaseUrl, max: 2 });
  const meter = await LatencyMeter.open(settings, 'id');
  let waiting = [];
  let running = 0;
  const pump = async () => {
    if (running === 2 || waiting.length === 0) return;
    running += 1;
    const batch = waiting;
    waiting = [];
    try {
      await pool.query({ name: 'insert', text: INSERT, values: [batch.map(({ id }) => id), TYPE, JSON.stringify(DATA), OCCURRED_AT] });
      const now = performance.now();
      for (const { done } of batch) done(now);
    } catch (error) {
      for (const { failed } of batch) failed(error);
    }
    running -= 1;
    void pump();
  };
  const commit = (id) =>
    new Promise((done, failed) => {
      waiting.push({ id, done, failed });
      setImmediate(pump);
    });
  return {
    round: (load) => meter.measure(load, commit),
    close: async () => {
      await meter.close();
      await pool.end();
      await engine.close();
    },
  };
}
