/**
 * Proves on the whole system, every app a process of its own: real orders end as the file says, whatever is killed meanwhile and
 * however often they are sent, query-api agrees, and every invariant holds afterwards.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AppName } from '../dev/apps.js';
import { PatientHttp } from '../dev/replay/patient-http.js';
import { replay } from '../dev/replay/replay.js';
import type { Report } from '../dev/replay/report.js';
import { verifyStack } from '../dev/verify/verify-stack.js';
import { startTestStack, type TestStack } from './harness/index.js';

const SMALL = join(import.meta.dirname, 'fixtures/small-retail.csv');
const DATA = join(import.meta.dirname, '../../shared/data/online-retail');
const FIRST_DAY = join(DATA, '2010-12-01.csv');
const SMALL_TOTALS = { orders: 5, lines: 9, skus: 6, customers: 5, guestOrders: 1, units: 59, revenuePence: 5705 };
/** The first day of real trade where it is at hand, with its totals as another program computed them; else the small file once more. */
const day = existsSync(FIRST_DAY)
  ? { file: FIRST_DAY, allPaid: true, totals: JSON.parse(readFileSync(join(DATA, 'expected-2010-12-01.json'), 'utf8')) as object }
  : { file: SMALL, allPaid: false, totals: SMALL_TOTALS };

let stack: TestStack;
const clients: PatientHttp[] = [];
beforeAll(async () => {
  stack = await startTestStack();
}, 120_000);
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await stack?.stop();
}, 30_000);

function run(file: string, allPaid: boolean): Promise<Report> {
  const client = (origin: string): PatientHttp => {
    clients.push(new PatientHttp({ origin, connections: 16 }));
    return clients.at(-1)!;
  };
  return replay({
    file,
    allPaid,
    range: { from: null, to: null },
    concurrency: 16,
    patienceMs: 60_000,
    commands: client(stack.urls.commandApi),
    queries: client(stack.urls.queryApi),
    output: { write: () => undefined },
  });
}

async function expectAllInvariants(): Promise<void> {
  const { databaseUrl, kafkaBrokers, topicPrefix, urls } = stack;
  const verification = await verifyStack({ databaseUrl, kafkaBrokers, topicPrefix, gatewayUrl: urls.gateway, withinMs: 60_000 });
  expect(verification.invariants.flatMap(({ id, offending }) => offending.map((each) => `${id} ${each}`))).toEqual([]);
  expect(verification).toMatchObject({ ok: true, quiet: true });
  expect(verification.invariants.map(({ id }) => id)).toEqual(['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8']);
}

/** Kills each app in turn with SIGKILL and starts it again at once. */
async function killEach(apps: readonly AppName[]): Promise<void> {
  for (const app of apps) {
    await stack.kill(app);
    await stack.restart(app);
  }
}

describe('a replay', () => {
  test('ends as the file says: confirmed, refused for each reason, cancelled', async () => {
    const report = await run(SMALL, false);
    expect(report.mismatches).toEqual([]);
    expect(report).toMatchObject({
      ok: true,
      totals: SMALL_TOTALS,
      orders: { byStatus: { confirmed: 5, rejected: 3, cancelled: 2 }, rejectedBecause: { 'payment-declined': 2, 'out-of-stock': 1 } },
    });
    await expectAllInvariants();
  }, 120_000);

  test('of a day sent twice at once, while every app is killed in turn, comes to the expected totals', async () => {
    const killing = killEach(['command-api', 'relay', 'orchestrator', 'projector', 'query-api', 'gateway']);
    const reports = await Promise.all([run(day.file, day.allPaid), run(day.file, day.allPaid)]);
    await killing;
    for (const { totals, mismatches } of reports) {
      expect(mismatches).toEqual([]);
      expect(day.totals).toMatchObject(totals);
    }
    const again = await run(day.file, day.allPaid);
    expect(day.totals).toMatchObject(again.totals);
    expect(again.mismatches).toEqual([]);
    await expectAllInvariants();
  }, 240_000);
});
