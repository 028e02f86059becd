/**
 * Proves that clocks which jump by three hours, of a process or of the database, neither stop what must go on nor hurry what must wait; and
 * that the wall clock is read nowhere but where a time is told or compared with a time of business.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { OutboxRow } from '#outbox';
import { FulfilmentWork } from '../../apps/orchestrator/fulfilment-work.js';
import { REPOSITORY_ROOT } from '../../dev/paths.js';
import { outboxFixture, type OutboxFixture } from '../../libs/outbox/testing/outbox-fixture.js';
import { createTestDatabase, waitFor } from '../harness/index.js';

const HOURS = 3 * 3_600_000;
const LEASE_MS = 15_000;
let outbox: OutboxFixture;

beforeAll(async () => void (outbox = await outboxFixture({ createTestDatabase, waitFor })));
afterEach(async () => {
  vi.useRealTimers();
  await outbox.reset();
  await outbox.pool.query('DELETE FROM tidemark.fulfilment_work');
});
afterAll(() => outbox.close());

describe("a process's clock", () => {
  it.each([
    ['back', -HOURS],
    ['forward', HOURS],
  ])('gone %s by three hours keeps no relay from taking over the shards of a dead one', async (_where, by) => {
    const sent: string[] = [];
    const publisher = {
      publish: async (rows: readonly OutboxRow[]) => {
        sent.push(...rows.map(({ streamId }) => streamId));
        return { published: rows.map(({ seq }) => seq), poison: [] };
      },
    };
    const [dead, alive] = [outbox.relay(publisher, { name: 'dead' }), outbox.relay(publisher, { name: 'alive' })];
    dead.start();
    alive.start();
    await waitFor(() => dead.health().shards.length === 8 && alive.health().shards.length === 8, { what: 'a fair share' });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + by, shouldAdvanceTime: true });
    await dead.stop();
    await waitFor(() => alive.health().shards.length === 16, { what: 'all shards' });
    await outbox.insert('order-after', [1]);
    await waitFor(() => sent.includes('order-after'), { what: 'an event after the jump' });
  });
});

describe("the database's clock", () => {
  /** What the row of an action looks like when its process has died and the clock then jumps by so much. */
  async function orphan(jumpMs: number): Promise<FulfilmentWork> {
    await outbox.pool.query(
      `INSERT INTO tidemark.fulfilment_work (order_id, due_at, correlation_id, causation_id)
       VALUES ('o1', clock_timestamp() + $1 * interval '1 millisecond', 'c', 'e')`,
      [LEASE_MS - jumpMs],
    );
    return new FulfilmentWork(outbox.pool);
  }

  const claim = (work: FulfilmentWork) => work.claim(outbox.pool, 10, LEASE_MS);

  it('gone back by three hours leaves no orphaned action waiting for three hours', async () => {
    const work = await orphan(-HOURS);
    await work.pullBack(LEASE_MS);
    expect(await claim(work)).toMatchObject([{ orderId: 'o1' }]);
    // and it is leased like any other then
    await work.pullBack(LEASE_MS);
    expect(await claim(work)).toEqual([]);
  });

  it('gone forward makes actions due early, which asks the gateway before anything is sent again', async () => {
    expect(await claim(await orphan(HOURS))).toMatchObject([{ orderId: 'o1', waits: false }]);
  });

  it('standing where it should leaves a lease alone, also a longer one of another process', async () => {
    const work = await orphan(0);
    await work.pullBack(LEASE_MS);
    expect(await claim(work)).toEqual([]);
    await work.renew([{ orderId: 'o1', causationId: 'e' }], 3 * LEASE_MS);
    await work.pullBack(LEASE_MS);
    expect(await claim(work)).toEqual([]);
  });

  it('standing where it should leaves the longest wait alone, however short leases are', async () => {
    const work = await orphan(0);
    await outbox.pool.query(`UPDATE tidemark.fulfilment_work SET waits = true, due_at = clock_timestamp() + interval '30 s'`);
    await work.pullBack(1_000);
    expect(await work.claim(outbox.pool, 10, 1_000)).toEqual([]);
  });
});

describe('the wall clock', () => {
  /** Where it may be read, and why: see docs/reliability/clocks.md. */
  const TOLD: Readonly<Record<string, string>> = {
    'apps/command-api/commands/business-time.ts': 'a time of business is compared with now, with a day to spare',
    'apps/command-api/commands/command-envelope.ts': 'when it happened, where the client says nothing',
    'apps/orchestrator/fulfilment-runner.ts': 'when it happened',
    'apps/projector/projection-lane.ts': 'since when it fails, told in health',
    'apps/projector/projector.ts': 'a figure',
    'libs/messaging/batch-processor.ts': 'told in health',
    'libs/messaging/kafkajs/kafkajs-consumer.ts': 'told in health',
    'libs/messaging/kafkajs/produce-request.patch.ts': 'the time of a record, as kafkajs writes it; nothing reads it back',
    'libs/messaging/kafkajs/spin-timer.patch.ts': "kafkajs's own throttle time",
    'libs/messaging/retry-schedule.ts': 'since when it fails, told in health',
    'libs/outbox/outbox-relay.ts': 'a figure; since when it fails and when it last read, told in health',
  };
  const READ = /\bDate\.now\b|\bnew Date\(\s*\)|\bnew Date\b(?!\s*\()|(?<!\bnew )\bDate\(/;

  it('decides nothing: it is read in no other file', () => {
    const found = ['apps', 'libs', 'migrations']
      .flatMap(sources)
      .filter((file) => READ.test(readFileSync(join(REPOSITORY_ROOT, file), 'utf8')));
    expect(found.filter((file) => !(file in TOLD))).toEqual([]);
    expect(Object.keys(TOLD).filter((file) => !found.includes(file))).toEqual([]);
  });

  it.each(['Date.now()', 'now = Date.now', 'new Date()', 'new Date( )', 'new Date;', 'Date()'])('is read by `%s`', (text) => {
    expect(text).toMatch(READ);
  });

  it.each(["new Date('2010-12-01')", 'new Date(text)', 'Date.parse(text)', 'Date.UTC(2010, 0)', 'parseDate()'])(
    'is not by `%s`',
    (text) => {
      expect(text).not.toMatch(READ);
    },
  );
});

function sources(folder: string): string[] {
  return readdirSync(join(REPOSITORY_ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /(?<!\.spec)\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(REPOSITORY_ROOT.length + 1))
    .filter((file) => !file.includes('/testing/'));
}
