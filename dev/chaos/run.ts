import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Progress } from '../progress.js';
import { PostgresDatabase } from '../verify/database.js';
import { isQuiet, StackActivity, waitForQuiet } from '../verify/quiet.js';
import type { ChaosArguments } from './arguments.js';
import { growthWithClients } from './check/bounds.js';
import { checkInvariants } from './check/check-invariants.js';
import { chooseKinds, type ChosenKinds } from './choose-kinds.js';
import { FaultRunner } from './fault-runner.js';
import { FAULT_KINDS } from './faults/fault-kinds.js';
import { HistoryWriter } from './history/history-writer.js';
import type { StackSample } from './history/resource-sample.js';
import { ChaosLoad } from './load/chaos-load.js';
import { holds, summaryOf, writeReport, type RunFigures } from './report.js';
import { newRunFolder, type RunFolder } from './run-folder.js';
import { plannedInTime, scheduleOf } from './schedule.js';
import { ChaosStack } from './stack/chaos-stack.js';
import { CONTRADICTED, resumeParked } from './stack/parked-fulfilments.js';
import { Recovery } from './stack/recovery.js';
import { Sampler } from './stack/sampler.js';
import { choosePorts } from './stack/stack-ports.js';
import { StackWatch } from './stack/stack-watch.js';

const GAP_MS = [8_000, 12_000] as const;
const AT_ONCE = 2;
const RECOVERY_DEADLINE_MS = 60_000;
const LOOK_EVERY_MS = 10_000;
const CONCURRENCY = 256;
/** What clients of an app may hold open to it: of the gateway the orchestrators are, and all goes by the proxy. */
const CLIENT_CONNECTIONS = { 'command-api': CONCURRENCY, 'query-api': CONCURRENCY, gateway: 64, toxiproxy: CONCURRENCY };
/** What the judges allow, beside what they always do. */
export const RUN_BOUNDS = { instanceSuccessMs: RECOVERY_DEADLINE_MS, growthFds: growthWithClients(CLIENT_CONNECTIONS) };
/** Load after the last fault, so that first successes are seen. */
const AFTERMATH_MS = 6_000;
const QUIET_WITHIN_MS = 180_000;
const LOOK_WITHIN_MS = 60_000;
const SETTLE_WITHIN_MS = 60_000;

export class Interrupted extends Error {}

/** One run from an empty database to the verdict. `end` interrupts it wherever it is; `go` then rejects with Interrupted when all has stopped. */
export class ChaosRun {
  private readonly progress: Progress;
  private readonly ending = new AbortController();
  private stack: ChaosStack | undefined;
  private faults: FaultRunner | undefined;
  private beganAt = 0;
  private toldAt = 0;
  private underLoad = false;
  private folder: RunFolder | undefined;

  constructor(
    private readonly options: ChaosArguments,
    private readonly write: (line: string) => void,
  ) {
    this.progress = new Progress(write);
  }

  end(): void {
    this.ending.abort();
    this.faults?.end();
  }

  /** Without any order: for somebody who asked twice, and when nothing can be relied on any more. */
  kill(): void {
    this.stack?.kill();
    if (this.folder !== undefined) this.write(`kept: database, logs and history are in ${this.folder.path}`);
  }

  /** Whether everything holds. */
  async go(): Promise<boolean> {
    const { minutes, seed } = this.options;
    const folder = (this.folder = await newRunFolder(seed));
    this.write(`chaos: ${minutes} minutes, seed ${seed}, in ${folder.path}`);
    const chosen = await chooseKinds(FAULT_KINDS, this.options.faults, (line) => this.write(line));
    chosen.leftOut.forEach((line) => this.write(`  ${line}`));
    const stack = (this.stack = new ChaosStack({
      stateDir: folder.path,
      ports: await choosePorts(),
      progress: this.progress,
      proxyBinary: chosen.proxyBinary,
      clockLibrary: chosen.clockLibrary,
      // Killed on purpose, a process is no worse for it: it need not be waited for longer each time.
      maxRestartDelayMs: 1_000,
      env: { NODE_ENV: 'development', FAILPOINTS: 'on' },
    }));
    let passed = false;
    try {
      await stack.start();
      this.goOn();
      const figures = await this.test(stack, chosen, folder);
      passed = holds(figures);
      this.report(figures, folder);
    } finally {
      const stopped = await this.stopped(stack);
      if (passed && stopped && !this.options.keep) folder.remove();
      else this.write(`kept: database, logs and history are in ${folder.path}`);
    }
    return passed;
  }

  /** Whatever happens, no process is left. Answers whether all ended in order. */
  private async stopped(stack: ChaosStack): Promise<boolean> {
    try {
      await stack.stop();
      return true;
    } catch (error) {
      this.write(`the stack could not be stopped in order (${(error as Error).message}): it is ended at once`);
      stack.kill();
      return false;
    }
  }

  private async test(stack: ChaosStack, { kinds, leftOut: missing }: ChosenKinds, folder: RunFolder): Promise<RunFigures> {
    const { minutes, seed, rate } = this.options;
    const forMs = minutes * 60_000;
    const watch = new StackWatch(stack);
    const history = new HistoryWriter(folder.history);
    const load = new ChaosLoad({
      commandUrls: stack.commandUrls,
      queryUrls: stack.queryUrls,
      seed,
      historyFile: folder.history,
      rate,
      concurrency: CONCURRENCY,
    });
    const sampler = new Sampler({
      stack,
      watch,
      path: folder.samples,
      everyMs: LOOK_EVERY_MS,
      onSample: (sample) => this.underLoad && this.write(this.progressLine(load, sample)),
    });
    const recovery = new Recovery({ stack, watch, accepted: () => load.counts().accepted });
    const faults = (this.faults = new FaultRunner({
      kinds,
      context: { stack, watch, load, recordPoison: (poison) => history.write(poison) },
      recovery,
      say: (line) => this.progress.report(line),
      recoveryDeadlineMs: RECOVERY_DEADLINE_MS,
      atOnce: AT_ONCE,
    }));
    const schedule = scheduleOf({ seed, forMs, kinds, gapMs: GAP_MS });
    try {
      this.beganAt = Date.now();
      load.start();
      this.underLoad = true;
      sampler.start();
      await faults.run(schedule, forMs);
      this.goOn();
      await stack.healAll().catch((error: unknown) => {
        faults.defects.push(`what the faults left could not be healed: ${(error as Error).message}`);
      });
      await delay(AFTERMATH_MS, undefined, { signal: this.ending.signal }).catch(() => undefined);
      await load.stop();
      this.underLoad = false;
      const loadStoppedAt = Date.now();
      this.goOn();
      this.progress.report('load stopped, all faults healed: asking for every missing answer');
      const open = await load.settle({ withinMs: SETTLE_WITHIN_MS });
      if (open > 0) this.progress.report(`${open} commands have NO ANSWER even now`);
      let quiet = await this.untilQuiet(stack, watch);
      // Parked by a contradiction that reached its order only when the operator had looked.
      const resumed = await resumeParked(stack.urlOf('orchestrator'), CONTRADICTED).catch((error: unknown) => {
        faults.defects.push(`the orchestrator does not let parked orders go on: ${(error as Error).message}`);
        return 0;
      });
      if (resumed > 0) quiet = await this.untilQuiet(stack, watch);
      const quietAfterMs = Date.now() - loadStoppedAt;
      this.goOn();
      const { origins } = stack;
      const invariants = await checkInvariants({
        historyFile: folder.history,
        databaseUrl: stack.databaseUrl,
        kafkaBrokers: stack.kafkaBrokers,
        topicPrefix: stack.topicPrefix,
        gatewayBook: stack.gatewayBook,
        faults: faults.records,
        origins,
        samples: sampler.samples,
        bounds: RUN_BOUNDS,
        onProgress: (doing) => this.tellSlowly(doing),
      });
      return {
        seed,
        minutes,
        rate,
        startedAt: this.beganAt,
        loadStoppedAt,
        endedAt: Date.now(),
        counts: load.counts(),
        planned: schedule.length,
        plannedOfKind: plannedInTime(schedule, forMs),
        faults: faults.records,
        leftOut: faults.leftOut,
        defects: faults.defects,
        missing,
        quiet,
        quietAfterMs,
        invariants,
        samples: sampler.samples,
        origins,
      };
    } finally {
      writeFileSync(folder.faults, JSON.stringify(faults.records, null, 2));
      // One that fails to close must not keep the others, or the stack, from their end.
      const closings = [() => load.stop(), () => load.close(), () => sampler.stop(), () => watch.close(), async () => history.close()];
      for (const close of closings) {
        await close().catch((error: unknown) => this.write(`not closed: ${(error as Error).message}`));
      }
    }
  }

  private report(figures: RunFigures, folder: RunFolder): void {
    summaryOf(figures).forEach((line) => this.write(line));
    for (const path of [folder.report, this.options.report]) if (path !== undefined) writeReport(path, figures);
  }

  private async untilQuiet(stack: ChaosStack, watch: StackWatch): Promise<boolean> {
    const database = new PostgresDatabase(stack.databaseUrl, LOOK_WITHIN_MS);
    try {
      const activity = await waitForQuiet({
        activity: new StackActivity(database, () => watch.lag()),
        withinMs: QUIET_WITHIN_MS,
        lookWithinMs: LOOK_WITHIN_MS,
        onWait: (now) => this.tellSlowly(`waiting until it stands still: ${JSON.stringify(now)}`),
      });
      if (!isQuiet(activity)) this.progress.report(`DOES NOT STAND STILL: ${JSON.stringify(activity)}`);
      return isQuiet(activity);
    } finally {
      // Of a database that is gone there may be nothing to close in order.
      await database.close().catch(() => undefined);
    }
  }

  private tellSlowly(line: string): void {
    if (Date.now() - this.toldAt < LOOK_EVERY_MS) return;
    this.toldAt = Date.now();
    this.progress.report(line);
  }

  private goOn(): void {
    if (this.ending.signal.aborted) throw new Interrupted('interrupted');
  }

  private progressLine(load: ChaosLoad, { outbox, lag }: StackSample): string {
    const { sent, accepted, refused, unknown } = load.counts();
    const elapsed = Math.round((Date.now() - this.beganAt) / 1000);
    const time = `${String(Math.floor(elapsed / 60)).padStart(2, '0')}:${String(elapsed % 60).padStart(2, '0')}`;
    const faults = this.faults?.records.length ?? 0;
    const figures = `${sent} sent, ${accepted} accepted (${(accepted / Math.max(1, elapsed)).toFixed(1)}/s), ${refused} refused, ${unknown} open`;
    return `  ${time}  ${figures}; outbox ${outbox ?? '?'}, lag ${lag ?? '?'}; ${faults} faults over, ${this.faults?.activeCount ?? 0} on`;
  }
}
