import { setTimeout as delay } from 'node:timers/promises';
import { isAccepted } from '../history/final-answer.js';
import type { Answered } from '../history/history-record.js';
import { HistoryWriter } from '../history/history-writer.js';
import { Agenda } from './agenda.js';
import { Instances } from './instances.js';
import { Pursuit } from './pursuit.js';
import { Random } from './random.js';
import { Reader } from './reader.js';
import type { CommandRequest } from './request.js';
import { Trade } from './trade.js';
import { Wire } from './wire.js';

export interface ChaosLoadOptions {
  /** Origins of the instances. */
  readonly commandUrls: readonly string[];
  readonly queryUrls: readonly string[];
  readonly seed: number;
  readonly historyFile: string;
  /** Commands begun per second, whatever became of the earlier ones. */
  readonly rate: number;
  /** Requests without an answer at once; beyond it commands are left out, and counted. */
  readonly concurrency: number;
  /** How long an answer may take, milliseconds. Default 5,000. */
  readonly timeoutMs?: number;
}

export interface LoadCounts {
  /** Commands sent at least once. */
  readonly sent: number;
  readonly accepted: number;
  readonly refused: number;
  /** Sent and without a final answer so far. */
  readonly unknown: number;
  /** Not sent, because too many were under way. */
  readonly leftOut: number;
  readonly reads: number;
}

const TICK_MS = 5;
/** Planned cancellations of long ago that are still carried out when the load settles. */
const FAR_CANCELLATIONS = 200;

/**
 * Clients of the system, all in one process: orders, cancellations at every stage, stock, repeats, misuse of keys, reads of their own
 * writes. Open loop: what the system does not answer slows nothing down until `concurrency` is reached. What each command is follows
 * from the seed and its number; when it goes out, and what its answer leads to, follows from the system's answers.
 */
export class ChaosLoad {
  private readonly trade: Trade;
  private readonly history: HistoryWriter;
  private readonly commands: Instances;
  private readonly queries: Instances;
  private readonly wire: Wire;
  private readonly pursuit: Pursuit;
  private readonly reader: Reader;
  private readonly agenda = new Agenda();
  /** Commands whose time has come; they go before new ones. */
  private readonly due: (() => Promise<void>)[] = [];
  private readonly underway = new Set<Promise<void>>();
  private readonly tally = { sent: 0, accepted: 0, refused: 0, leftOut: 0 };
  private index = 0;
  private scenarios = 0;
  private running: Promise<void> | undefined;
  private stopped = false;

  constructor(private readonly options: ChaosLoadOptions) {
    const { seed, commandUrls, queryUrls, concurrency, historyFile, timeoutMs = 5_000 } = options;
    // Keys of two runs of one seed must differ: they may meet in one database.
    this.trade = new Trade({ seed, name: `c${seed.toString(36)}${Date.now().toString(36)}` });
    this.history = new HistoryWriter(historyFile);
    this.commands = new Instances({ urls: commandUrls, connections: concurrency, timeoutMs });
    this.queries = new Instances({ urls: queryUrls, connections: 64, timeoutMs: Math.max(timeoutMs, 5_000) });
    this.wire = new Wire({ commands: this.commands, queries: this.queries, history: this.history });
    this.pursuit = new Pursuit(this.wire, concurrency, (answer) => (this.tally[isAccepted(answer) ? 'accepted' : 'refused'] += 1));
    this.reader = new Reader(this.wire);
  }

  start(): void {
    this.phase('started');
    this.running ??= this.run();
  }

  counts(): LoadCounts {
    return { ...this.tally, unknown: this.pursuit.size, reads: this.reader.count };
  }

  /** Sends nothing more; resolves when what is on its way has been answered or has timed out. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.agenda.halt();
    this.pursuit.stop();
    await this.running;
    await Promise.all(this.underway);
    this.phase('stopped');
  }

  /**
   * After `stop`, when the system is whole: cancels some orders of long ago, then asks for every answer that is still missing, with the
   * same keys. Answers how many commands have none even so.
   */
  async settle({ withinMs }: { withinMs: number }): Promise<number> {
    const until = Date.now() + withinMs;
    const random = new Random(this.options.seed, -1);
    for (const plan of this.agenda.takeLeft(FAR_CANCELLATIONS)) plan();
    const left = this.due.splice(0).values();
    const lane = async (): Promise<void> => {
      for (const work of left) if (Date.now() < until) await work();
    };
    await Promise.all(Array.from({ length: 8 }, lane));
    const open = await this.pursuit.settle(until, random);
    this.phase('settled');
    return open;
  }

  async close(): Promise<void> {
    await Promise.all([this.commands.close(), this.queries.close()]);
    this.history.close();
  }

  /** Many clients want the last pieces of a SKU at the same moment. Resolves when all have their answer, or the load has stopped. */
  async lastPieces({ clients = 200, pieces = 100 } = {}): Promise<void> {
    const n = (this.scenarios += 1);
    const sku = this.trade.key('LAST', n).toUpperCase();
    const random = new Random(this.options.seed, -2, n);
    this.history.write({ kind: 'last-pieces', at: Date.now(), sku, pieces, clients });
    await this.track(async () => {
      const received = await this.place(this.trade.receipt(this.trade.key('last-receipt', n), sku, pieces), random);
      if (received === undefined || !isAccepted(received)) return;
      const orders = Array.from({ length: clients }, (_, client) =>
        this.trade.singlePiece(this.trade.key(`last-${n}`, client), sku, random),
      );
      await Promise.all(orders.map((order) => this.place(order, random)));
    });
  }

  /** One order, its key many times at the same moment, at all instances. */
  async sameKeyAtOnce({ times = 100 } = {}): Promise<void> {
    const n = (this.scenarios += 1);
    const random = new Random(this.options.seed, -3, n);
    const order = this.trade.order(this.trade.key('at-once', n), random);
    await this.track(async () => {
      const others = Array.from({ length: times - 1 }, () => this.wire.command(order, 'at-once'));
      await Promise.all([this.place(order, random, { attempt: 'at-once' }), ...others]);
    });
  }

  private async run(): Promise<void> {
    const { rate, concurrency, seed } = this.options;
    const opening = this.trade.opening();
    // Stock first, so that orders are not all refused for want of it; not for ever, in case something is broken from the start.
    await Promise.race([
      Promise.all(opening.map((request, at) => this.track(() => this.command(request, new Random(seed, -4, at))))),
      delay(10_000),
    ]);
    let owed = 0;
    for (let before = Date.now(); !this.stopped;) {
      await delay(TICK_MS);
      const now = Date.now();
      // After a pause of this process itself the past is not made up for.
      owed += (Math.min(now - before, 1_000) * rate) / 1_000;
      before = now;
      for (; owed >= 1; owed -= 1) {
        if (this.wire.inFlight >= concurrency) this.tally.leftOut += 1;
        else void this.track(this.due.shift() ?? this.next());
      }
    }
  }

  private async track(work: () => Promise<void>): Promise<void> {
    const promise = work();
    this.underway.add(promise);
    await promise.finally(() => this.underway.delete(promise));
  }

  /** The next command of the trade. */
  private next(): () => Promise<void> {
    const index = (this.index += 1);
    const random = new Random(this.options.seed, index);
    const request = random.weighted<() => CommandRequest>([
      [88, () => this.trade.order(this.trade.key('order', index), random)],
      [4, () => this.trade.receipt(this.trade.key('receipt', index), this.trade.anySku(random), random.between(5, 60))],
      [3, () => this.trade.receipt(this.trade.key('receipt', index), random.of(this.trade.scarce), random.between(1, 8))],
      [3, () => this.trade.adjustment(this.trade.key('adjustment', index), this.trade.anySku(random), random.between(-4, 3) || 5)],
      [2, () => this.trade.adjustment(this.trade.key('adjustment', index), random.of(this.trade.scarce), random.between(-30, -1))],
    ])();
    return () => this.command(request, random);
  }

  /** Sends a command and does what its client does next. */
  private async command(request: CommandRequest, random: Random): Promise<void> {
    const twins = random.chance(0.004) ? random.between(5, 40) : 0;
    const hangUpAfterMs = random.chance(0.01) ? random.between(1, 25) : undefined;
    const others = Array.from({ length: twins }, () => this.wire.command(request, 'at-once'));
    const answer = await this.place(request, random, { attempt: twins > 0 ? 'at-once' : 'first', hangUpAfterMs });
    await Promise.all(others);
    if (answer === undefined) return;
    if (random.chance(0.03)) this.later(random.between(0, 5_000), async () => void (await this.wire.command(request, 'repeat')));
    if (!isAccepted(answer)) return;
    if (random.chance(0.02)) {
      const misuse = this.trade.misuse(request, random);
      this.later(random.between(0, 2_000), async () => void (await this.wire.command(misuse, 'other-payload')));
    }
    if (!this.stopped) await this.reader.afterwards(request, answer, random);
    if (request.intent === 'place-order') this.planCancellation(request, answer, random);
  }

  private place(
    request: CommandRequest,
    random: Random,
    { attempt = 'first', hangUpAfterMs }: { attempt?: 'first' | 'at-once'; hangUpAfterMs?: number | undefined } = {},
  ): Promise<Answered | undefined> {
    this.tally.sent += 1;
    return this.pursuit.pursue(request, random, attempt, hangUpAfterMs);
  }

  /** At once, while stock is being reserved or money charged, when it is confirmed, or long afterwards; sometimes by two people. */
  private planCancellation({ key }: CommandRequest, { body }: Answered, random: Random): void {
    const orderId = body?.['orderId'];
    if (typeof orderId !== 'string' || !random.chance(0.16)) return;
    const cancel = (suffix: string) => () => this.command(this.trade.cancellation(`${key}-${suffix}`, orderId), random);
    const stage = random.weighted([
      [25, 'at-once'],
      [30, 'under-way'],
      [30, 'ended'],
      [15, 'far-later'],
    ] as const);
    const waitMs = {
      'at-once': 0,
      'under-way': random.between(5, 600),
      ended: random.between(1_500, 4_000),
      'far-later': random.between(20_000, 400_000),
    }[stage];
    const people = random.chance(0.1) ? ['cancel', 'cancel-too'] : ['cancel'];
    for (const suffix of people) this.later(waitMs, cancel(suffix));
  }

  private later(ms: number, work: () => Promise<void>): void {
    this.agenda.after(ms, () => this.due.push(work));
  }

  private phase(phase: 'started' | 'stopped' | 'settled'): void {
    this.history.write({ kind: 'phase', at: Date.now(), phase, seed: this.options.seed, open: this.pursuit.size });
  }
}
