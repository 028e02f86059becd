import { setTimeout as delay } from 'node:timers/promises';
import type { ReplayArguments } from './arguments.js';
import { invoices } from './invoices.js';
import type { SaleOrder } from './invoice-mapping.js';
import { Ledger } from './ledger.js';
import type { PatientHttp } from './patient-http.js';
import { Progress, type ProgressOutput } from './progress.js';
import { QueryApiClient } from './query-api.client.js';
import { reconcile, type Reconciliation } from './reconcile.js';
import { reportOf, type Report, type Timings } from './report.js';
import { readRetailFile } from './retail-file.js';
import { Scenario } from './scenario.js';
import { settle } from './settle.js';
import { survey, type Survey } from './survey.js';
import { TradeFeed } from './trade-feed.js';
import { TradeReader, type DayRange, type Trade } from './trade.js';

export interface ReplayOptions extends Omit<ReplayArguments, 'report'> {
  readonly commands: PatientHttp;
  readonly queries: PatientHttp;
  readonly output: ProgressOutput;
  /** How long projections other than orders may take to catch up, milliseconds. Default 60,000. */
  readonly reconcileWithinMs?: number;
}

const DAY_MS = 86_400_000;

/** A file without a single order in the days asked for. */
export class NothingToReplayError extends Error {}

/**
 * The whole replay: looks through the file, opens the stock, sends the trade, waits for every order's end and compares.
 * Any part of it may have happened before: everything is sent under the same keys again and answered as it was then.
 */
export async function replay(options: ReplayOptions): Promise<Report> {
  const { file, range, concurrency, allPaid, patienceMs, commands, queries, output, reconcileWithinMs = 60_000 } = options;
  const say = (line: string): void => output.write(`${line}\n`);
  const surveyStartedAt = Date.now();
  say(`reading ${file}`);
  const found = await survey(readRetailFile(file), range);
  const timings: Timings = {
    surveySeconds: since(surveyStartedAt),
    openingSeconds: 0,
    sendingSeconds: 0,
    settlingSeconds: 0,
    reconcilingSeconds: 0,
  };
  if (found.orders === 0 || found.firstDay === null || found.lastDay === null) {
    throw new NothingToReplayError(
      `${file} holds no orders in the days asked for (it has ${found.rows} rows, ${found.firstDay} to ${found.lastDay})`,
    );
  }
  const from = `${range.from ?? found.firstDay}T00:00:00Z`;
  const to = new Date(Date.parse(`${range.to ?? found.lastDay}T00:00:00Z`) + DAY_MS).toISOString();
  say(`${found.rows} rows, ${found.orders} orders from ${from} to ${to}, ${found.demand.size} SKUs to open`);

  const ledger = new Ledger();
  const sending = new Progress('orders', found.orders, output);
  const feed = new TradeFeed({ commands, scenario: new Scenario(allPaid), ledger, concurrency, onOrder: () => sending.advance() });
  const opening = new Progress('opening stock', found.demand.size, output);
  await feed.openStock(found.demand, `${found.firstDay}T00:00:00Z`, () => opening.advance());
  timings.openingSeconds = opening.end();
  sending.restart();
  await feed.run(trades(file, found, range));
  timings.sendingSeconds = sending.end();

  const query = new QueryApiClient(queries);
  const settling = new Progress('ended', ledger.accepted, output);
  const settled = await settle({ query, from, to, orders: ledger.accepted, patienceMs, progress: settling });
  timings.settlingSeconds = settling.end();

  const reconcilingAt = Date.now();
  say('comparing with query-api');
  const reconciliation = await reconcileWithin(settled ? reconcileWithinMs : 0, ledger.refusedRequests.length, () =>
    reconcile({ orders: orders(file, found, range), ledger, query, from, to }),
  );
  timings.reconcilingSeconds = since(reconcilingAt);

  const repeats = new Map([...commands.repeats]);
  for (const [reason, count] of queries.repeats) repeats.set(reason, (repeats.get(reason) ?? 0) + count);
  return reportOf({ file, from, to, allPaid, concurrency, rows: found.rows, ledger, settled, reconciliation, timings, repeats });
}

/**
 * Orders have ended, but products and customers are other projections: they get the time to catch up, never the benefit of the doubt.
 * Requests that were refused stay mismatches however long one waits.
 */
async function reconcileWithin(withinMs: number, hopeless: number, compare: () => Promise<Reconciliation>): Promise<Reconciliation> {
  const giveUpAt = Date.now() + withinMs;
  for (;;) {
    const reconciliation = await compare();
    if (reconciliation.mismatches.length <= hopeless || Date.now() >= giveUpAt) return reconciliation;
    await delay(1_000);
  }
}

async function* trades(file: string, found: Survey, range: DayRange): AsyncGenerator<Trade> {
  const reader = new TradeReader(range);
  for await (const invoice of invoices(readRetailFile(file), found)) yield* reader.read(invoice);
}

async function* orders(file: string, found: Survey, range: DayRange): AsyncGenerator<SaleOrder> {
  for await (const trade of trades(file, found, range)) if (trade.kind === 'order') yield trade.order;
}

const since = (startedAt: number): number => (Date.now() - startedAt) / 1000;
