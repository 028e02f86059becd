/**
 * Proves on the whole system, every app a process of its own: real orders end as the file says, whatever is killed meanwhile and
 * however often they are sent, query-api agrees, and every invariant holds afterwards.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AppName } from '../dev/apps.js';
import { OpenWorkWatch, type OpenWork } from '../dev/drill/open-work.js';
import { PatientHttp, type HttpAnswer } from '../dev/replay/patient-http.js';
import { replay } from '../dev/replay/replay.js';
import type { Report } from '../dev/replay/report.js';
import { verifyStack } from '../dev/verify/verify-stack.js';
import { startTestStack, waitFor, type TestStack } from './harness/index.js';

const SMALL = join(import.meta.dirname, 'fixtures/small-retail.csv');
const DATA = join(import.meta.dirname, '../../shared/data/online-retail');
const FIRST_DAY = join(DATA, '2010-12-01.csv');
const SMALL_TOTALS = { orders: 5, lines: 9, skus: 6, customers: 5, guestOrders: 1, units: 59, revenuePence: 5705 };
/** Of all that another program computed from the file, what a replay adds up too. */
function totalsIn(file: string): typeof SMALL_TOTALS {
  const computed = JSON.parse(readFileSync(file, 'utf8')) as typeof SMALL_TOTALS;
  return Object.fromEntries(
    Object.keys(SMALL_TOTALS).map((name) => [name, computed[name as keyof typeof SMALL_TOTALS]]),
  ) as typeof SMALL_TOTALS;
}

/** The first day of real trade where it is at hand, else the small file; and how many of its orders there are for each of six kills. */
const day = existsSync(FIRST_DAY)
  ? { file: FIRST_DAY, allPaid: true, totals: totalsIn(join(DATA, 'expected-2010-12-01.json')), ordersEach: 20 }
  : { file: SMALL, allPaid: false, totals: SMALL_TOTALS, ordersEach: 1 };

let stack: TestStack;
const clients: PatientHttp[] = [];
beforeAll(async () => {
  stack = await startTestStack();
}, 120_000);
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await stack?.stop();
}, 30_000);

/** Lets the first sendings of so many orders pass and holds the others back, so that some are left for every kill. */
class Sluice {
  private passed = 0;
  private waiting: Array<() => void> = [];

  constructor(private allowed: number) {}

  allow(more: number): void {
    this.allowed += more;
    this.waiting.splice(0).forEach((tryAgain) => tryAgain());
  }

  async pass(): Promise<void> {
    while (this.passed >= this.allowed) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.passed += 1;
  }
}

class SluicedHttp extends PatientHttp {
  constructor(
    origin: string,
    private readonly sluice: Sluice,
  ) {
    super({ origin, connections: 16 });
  }

  override async post(path: string, ...rest: [string, object, Readonly<Record<string, string>>?]): Promise<HttpAnswer> {
    if (path === '/orders') await this.sluice.pass();
    return super.post(path, ...rest);
  }
}

function run(file: string, allPaid: boolean, sluice = new Sluice(Infinity)): Promise<Report> {
  const client = (origin: string): PatientHttp => {
    clients.push(new SluicedHttp(origin, sluice));
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

/**
 * Lets some more orders pass, and kills an app with SIGKILL while they are under way, then starts it again; one app after the other.
 * Answers what each kill met.
 */
async function killEach(apps: readonly AppName[], sluices: readonly Sluice[], ordersEach: number): Promise<Record<string, OpenWork>> {
  const watch = new OpenWorkWatch(stack.databaseUrl);
  const met: Record<string, OpenWork> = {};
  try {
    for (const app of apps) {
      sluices.forEach((sluice) => sluice.allow(ordersEach));
      met[app] = await waitFor(
        async () => {
          const work = await watch.look();
          return work.ordersJustNow > 0 && work.outbox + work.fulfilments > 0 && work;
        },
        { deadlineMs: 60_000, everyMs: 1, what: `new orders before ${app} is killed` },
      );
      await stack.kill(app);
      await stack.restart(app);
    }
  } finally {
    // Whatever happened here, the replays come to their end.
    sluices.forEach((sluice) => sluice.allow(Infinity));
    await watch.close();
  }
  return met;
}

describe('a replay', () => {
  test('of a day sent twice at once, while every app is killed in turn, comes to the expected totals', async () => {
    const apps: AppName[] = ['command-api', 'relay', 'orchestrator', 'projector', 'query-api', 'gateway'];
    const sluices = [new Sluice(0), new Sluice(0)];
    const killing = killEach(apps, sluices, day.ordersEach);
    const [met, ...reports] = await Promise.all([killing, ...sluices.map((sluice) => run(day.file, day.allPaid, sluice))]);
    expect(Object.keys(met)).toEqual(apps);
    for (const { orders, outbox, fulfilments } of Object.values(met)) {
      expect(orders).toBeGreaterThan(0);
      expect(outbox + fulfilments).toBeGreaterThan(0);
    }
    for (const { totals, mismatches } of reports) {
      expect(mismatches).toEqual([]);
      expect(totals).toMatchObject(day.totals);
    }
    const again = await run(day.file, day.allPaid);
    expect(again.mismatches).toEqual([]);
    expect(again.totals).toMatchObject(day.totals);
    await expectAllInvariants();
  }, 240_000);

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
});
