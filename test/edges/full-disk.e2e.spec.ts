/**
 * Proves that a full disk under PostgreSQL (a size-limited tmpfs) stops the taking of orders with 503 and Retry-After before anything is
 * lost or doubled, and that orders are taken again when there is room, without a hand. Needs the right to mount, which root has.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  DURABLE_SETTINGS,
  ensureDatabase,
  startPostgres,
  type PostgresOptions,
  type RunningPostgres,
} from '../../dev/embedded-postgres.js';
import { freePorts } from '../../dev/ports.js';
import { migrate } from '../../migrations/migrate.js';
import { waitFor } from '../harness/index.js';
import { anOrder, OwnApps, post, type OwnApp } from './own-apps.js';

const MEBIBYTE = 2 ** 20;
const DISK_MIB = 260;
const disk = mkdtempSync(join(tmpdir(), 'tidemark-full-disk-'));
const mounted = mount();

let settings: PostgresOptions;
let postgres: RunningPostgres;
let url: string;
let apps: OwnApps;
let api: OwnApp;

function mount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m,mode=755`, 'tidemark-full-disk', disk], { stdio: 'pipe' });
    return true;
  } catch (error) {
    process.stdout.write(
      `    no disk of a limited size can be mounted here (${String((error as Error).message).trim()}): the full disk is not tried\n`,
    );
    return false;
  }
}

beforeAll(async () => {
  if (!mounted) return;
  const [port = 0] = await freePorts(1);
  mkdirSync(join(disk, 'postgres'));
  chmodSync(join(disk, 'postgres'), 0o755);
  settings = {
    dataDir: join(disk, 'postgres', 'pgdata'),
    port,
    logFile: join(tmpdir(), `${disk.split('/').at(-1)}.log`),
    settings: { ...DURABLE_SETTINGS, shared_buffers: '32MB', min_wal_size: '32MB', max_wal_size: '48MB', max_connections: '30' },
  };
  postgres = await startPostgres(settings);
  await ensureDatabase(postgres, 'tidemark');
  url = postgres.urlOf('tidemark');
  await migrate({ databaseUrl: url });
  apps = await OwnApps.on(url, ['127.0.0.1:1']);
  api = await apps.start('command-api');
  await api.ready();
});
afterAll(async () => {
  if (mounted) {
    await apps?.stop();
    await postgres?.process.stop('SIGQUIT', 10_000);
    execFileSync('umount', ['-l', disk]);
    rmSync(settings.logFile, { force: true });
  }
  rmSync(disk, { recursive: true, force: true });
});

const lines = Array.from({ length: 200 }, (_, n) => ({
  sku: `EDGE-${n}`,
  description: `line ${n} `.repeat(8),
  quantity: 1,
  unitPrice: 255,
}));
const place = async (key: string): Promise<{ status: number; body: Record<string, string>; retryAfter: string | null }> => {
  const answer = await post(api.url, '/orders', key, { ...anOrder(key), lines }, 60_000);
  return { status: answer.status, body: (await answer.json()) as Record<string, string>, retryAfter: answer.headers.get('retry-after') };
};

/** Leaves so much room and no more; answers how to give the rest back. */
function fillUp(leaveMib: number): () => void {
  const { bavail, bsize } = statfsSync(disk);
  const ballast = join(disk, 'ballast');
  writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - leaveMib * MEBIBYTE)));
  return () => rmSync(ballast);
}

it.runIf(mounted)(
  'refuses while the disk is full, loses nothing, and goes on when there is room again (needs the right to mount)',
  async () => {
    const accepted = new Map<string, string>();
    const refused: string[] = [];
    const wrong: unknown[] = [];
    let next = 0;
    const placeOne = async (): Promise<number> => {
      const key = `disk-${next++}`;
      const { status, body, retryAfter } = await place(key);
      if (status === 201) accepted.set(key, body.orderId ?? '');
      else if (status === 503 && retryAfter !== null && body.code !== undefined) refused.push(key);
      else wrong.push({ status, body });
      return status;
    };
    expect(await placeOne()).toBe(201);

    const giveBack = fillUp(6);
    for (const endsAt = performance.now() + 60_000; refused.length === 0 && performance.now() < endsAt;) {
      await Promise.all(Array.from({ length: 4 }, placeOne));
    }
    expect(refused.length).toBeGreaterThan(0);
    // It stays full for a while; nobody gets anything but a refusal or the truth.
    for (let n = 0; n < 3; n += 1) {
      await placeOne();
      await sleep(300);
    }
    expect(api.process.running).toBe(true);

    giveBack();
    // PostgreSQL may have given up: whoever keeps it running starts it again.
    const kept = async (): Promise<boolean> => {
      if (!postgres.process.running) postgres = await startPostgres(settings);
      return (await placeOne()) === 201;
    };
    await waitFor(kept, { what: 'an order after there is room again', deadlineMs: 60_000 });
    for (const key of refused) {
      const again = await waitFor(
        async () => {
          const answer = await place(key);
          return answer.status === 201 && answer;
        },
        { what: `${key} at its second try`, deadlineMs: 30_000 },
      );
      accepted.set(key, again.body.orderId ?? '');
    }

    expect(wrong).toEqual([]);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query<{ id: string }>(
      `SELECT substr(stream_id, 7) AS id FROM tidemark.events WHERE type = 'OrderPlaced' ORDER BY 1`,
    );
    const { rows: torn } = await client.query(
      `SELECT stream_id FROM tidemark.events GROUP BY stream_id HAVING count(*) <> max(version)
     UNION ALL SELECT stream_id FROM tidemark.events e WHERE NOT EXISTS (SELECT FROM tidemark.outbox o WHERE o.position = e.position)`,
    );
    await client.end();
    expect(rows.map(({ id }) => id)).toEqual([...accepted.values()].sort());
    expect(torn).toEqual([]);
  },
  240_000,
);
