/**
 * Proves that a deploy loses nothing and refuses nothing: under steady load every command API is replaced in turn (the new one joins, the
 * old one gets SIGTERM), and clients that are spread by readiness see neither a refusal nor a connection that breaks.
 */
import pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, waitFor, type TestDatabase } from '../harness/index.js';
import { anOrder, OwnApps, post, type OwnApp } from './own-apps.js';

const CLIENTS = 8;
const DEPLOYS = 3;
/** Longer than the balancer below needs to notice, also on a busy machine. */
const DRAIN_MS = '4000';

/** Milliseconds until a probe without an answer counts as a no. */
const PROBE_MS = 500;

let database: TestDatabase;
let apps: OwnApps;
let sql: pg.Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  apps = await OwnApps.on(database.url);
  sql = new pg.Pool({ connectionString: database.url, max: 1 });
});
afterAll(async () => {
  await apps.stop();
  await sql.end();
  await database.drop();
});

/** What a load balancer does: asks each instance every 100 ms, and sends to those that are ready. */
class Balancer {
  private readonly ready = new Set<OwnApp>();
  private readonly probes: Promise<void>[] = [];
  private turn = 0;
  ended = false;

  add(app: OwnApp): void {
    this.probes.push(this.probe(app));
  }

  next(): OwnApp | undefined {
    const instances = [...this.ready];
    return instances[this.turn++ % Math.max(1, instances.length)];
  }

  has(app: OwnApp): boolean {
    return this.ready.has(app);
  }

  async end(): Promise<void> {
    this.ended = true;
    await Promise.all(this.probes);
  }

  private async probe(app: OwnApp): Promise<void> {
    while (!this.ended) {
      const ok = await fetch(`${app.url}/health/ready`, { signal: AbortSignal.timeout(PROBE_MS) }).then(
        ({ ok }) => ok,
        () => false,
      );
      if (ok) this.ready.add(app);
      else this.ready.delete(app);
      await sleep(100);
    }
  }
}

it('three deploys under load: every request answered 201, every answer true, every process ended in order', async () => {
  const balancer = new Balancer();
  let instance = await apps.start('command-api', { SHUTDOWN_DRAIN_MS: DRAIN_MS });
  balancer.add(instance);
  await expect.poll(() => balancer.has(instance), { timeout: 20_000 }).toBe(true);

  const accepted: string[] = [];
  const refused: string[] = [];
  const load = { on: true };
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    for (let n = 0; load.on; n += 1) {
      const key = `deploy-${client}-${n}`;
      try {
        const ready = await waitFor(() => balancer.next(), { what: 'an instance that is ready' });
        const answer = await post(ready.url, '/orders', key, anOrder(key));
        const body = await answer.text();
        if (answer.status === 201) accepted.push(JSON.parse(body).orderId as string);
        else refused.push(`${key}: ${answer.status} ${body}`);
      } catch (error) {
        refused.push(`${key}: ${String((error as Error).cause ?? error)}`);
      }
      await sleep(5);
    }
  });

  for (let deploy = 0; deploy < DEPLOYS; deploy += 1) {
    const old = instance;
    instance = await apps.start('command-api', { SHUTDOWN_DRAIN_MS: DRAIN_MS });
    balancer.add(instance);
    await expect.poll(() => balancer.has(instance), { timeout: 20_000 }).toBe(true);
    const before = accepted.length;
    expect(await old.process.stop('SIGTERM', 20_000)).toEqual({ code: 0, signal: null });
    expect(accepted.length).toBeGreaterThan(before);
  }
  load.on = false;
  await Promise.all(clients);
  await balancer.end();

  expect(refused).toEqual([]);
  const { rows } = await sql.query<{ id: string }>(`SELECT substr(stream_id, 7) AS id FROM tidemark.events WHERE type = 'OrderPlaced'`);
  expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(accepted));
}, 120_000);
