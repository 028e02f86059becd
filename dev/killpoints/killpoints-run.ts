import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { checkInvariants } from '../chaos/check/check-invariants.js';
import { ChaosLoad } from '../chaos/load/chaos-load.js';
import { newRunFolder, type RunFolder } from '../chaos/run-folder.js';
import { ChaosStack } from '../chaos/stack/chaos-stack.js';
import { CONTRADICTED, resumeParked } from '../chaos/stack/parked-fulfilments.js';
import { Recovery } from '../chaos/stack/recovery.js';
import { Sampler } from '../chaos/stack/sampler.js';
import { choosePorts } from '../chaos/stack/stack-ports.js';
import { StackWatch } from '../chaos/stack/stack-watch.js';
import { Progress } from '../progress.js';
import { PostgresDatabase } from '../verify/database.js';
import { isQuiet, StackActivity, waitForQuiet } from '../verify/quiet.js';
import { AppendGate } from './append-gate.js';
import type { KillpointArguments } from './arguments.js';
import { planOf, type PlannedHit } from './kill-points.js';
import { Lanes } from './lanes.js';
import { markdownOf, passes, summaryOf, type KillpointFigures } from './report.js';

const CONCURRENCY = 128;
const LOOK_EVERY_MS = 10_000;
/** Load before the first hit, so that there is work at every place; and after the last, so that first successes are seen. */
const WARM_UP_MS = 3_000;
const AFTERMATH_MS = 6_000;
const SETTLE_WITHIN_MS = 60_000;
const QUIET_WITHIN_MS = 240_000;
/**
 * A payment that met many deaths waits up to 30 s before it is looked up and 30 s before it is tried again, and its gateway may owe it up
 * to three failures (tok_fail).
 */
const SAGA_WITHIN_MS = 180_000;
/** Short, so that a lost action's timer fires while somebody watches. Longer than the gateway is waited for. */
const ACTION_LEASE_MS = 6_000;
/** What is killed on purpose hundreds of times has done nothing to be kept down for. */
const RESTART_DELAY_MS = 250;

export class Interrupted extends Error {}

/** One run from an empty database to the verdict. `end` interrupts it wherever it is; `go` then rejects with Interrupted when all has stopped. */
export class KillpointsRun {
  private readonly progress: Progress;
  private readonly ending = new AbortController();
  private stack: ChaosStack | undefined;
  private lanes: Lanes | undefined;
  private beganAt = Date.now();
  private toldAt = 0;

  constructor(
    private readonly options: KillpointArguments,
    private readonly write: (line: string) => void,
  ) {
    this.progress = new Progress(write);
  }

  end(): void {
    this.ending.abort();
    this.lanes?.end();
  }

  /** Without any order: for somebody who asked twice. */
  kill(): void {
    this.stack?.kill();
  }

  /** Whether everything holds. */
  async go(): Promise<boolean> {
    const { hits, seed, only } = this.options;
    const plan = planOf(hits, only);
    if (plan.length === 0) throw new Error(`no kill point is called ${only?.join(' or ')}`);
    const folder = await newRunFolder(seed);
    this.write(`killpoints: ${plan.length} hits, seed ${seed}, in ${folder.path}`);
    const stack = (this.stack = new ChaosStack({
      stateDir: folder.path,
      ports: await choosePorts(),
      progress: this.progress,
      proxyBinary: undefined,
      maxRestartDelayMs: RESTART_DELAY_MS,
      env: { NODE_ENV: 'development', FAILPOINTS: 'on', ACTION_LEASE_MS: String(ACTION_LEASE_MS) },
    }));
    let passed = false;
    try {
      await stack.start();
      this.goOn();
      const figures = await this.test(stack, plan, folder);
      passed = passes(figures);
      this.report(figures, folder);
    } finally {
      await stack.stop();
      if (passed && !this.options.keep) folder.remove();
      else this.write(`kept: database, logs and history are in ${folder.path}`);
    }
    return passed;
  }

  private async test(stack: ChaosStack, plan: readonly PlannedHit[], folder: RunFolder): Promise<KillpointFigures> {
    const { seed, rate, hits, within } = this.options;
    const watch = new StackWatch(stack);
    const gate = new AppendGate(stack.databaseUrl);
    const load = new ChaosLoad({
      commandUrls: stack.commandUrls,
      queryUrls: stack.queryUrls,
      seed,
      historyFile: folder.history,
      rate,
      concurrency: CONCURRENCY,
    });
    const sampler = new Sampler({ stack, watch, path: folder.samples, everyMs: LOOK_EVERY_MS, onSample: () => this.tell(load, plan) });
    const recovery = new Recovery({ stack, watch, accepted: () => load.counts().accepted });
    const say = (line: string): void => this.progress.report(line);
    const lanes = (this.lanes = new Lanes({ stack, watch, gate, recovery, seed, say }));
    try {
      await gate.install();
      load.start();
      sampler.start();
      await this.pause(WARM_UP_MS);
      await lanes.run(plan, within * 60_000);
      this.goOn();
      await stack.healAll();
      await this.pause(AFTERMATH_MS);
      await load.stop();
      const loadStoppedAt = Date.now();
      this.goOn();
      say(`load stopped after ${lanes.records.length} hits: asking for every missing answer`);
      await load.settle({ withinMs: SETTLE_WITHIN_MS });
      let quiet = await this.untilQuiet(stack, watch);
      const contradicted = plan.some(({ point }) => point.name === 'gateway.contradict');
      const resumed = contradicted ? await resumeParked(stack.urlOf('orchestrator'), CONTRADICTED) : 0;
      if (resumed > 0) quiet = await this.untilQuiet(stack, watch);
      const quietAfterMs = Date.now() - loadStoppedAt;
      this.goOn();
      writeFileSync(folder.faults, JSON.stringify(lanes.records, null, 2));
      const invariants = await checkInvariants({
        historyFile: folder.history,
        databaseUrl: stack.databaseUrl,
        kafkaBrokers: stack.kafkaBrokers,
        topicPrefix: stack.topicPrefix,
        gatewayBook: stack.gatewayBook,
        faults: lanes.records,
        origins: stack.origins,
        samples: sampler.samples,
        // Deaths take no time, so that none of it is taken off.
        bounds: { sagaMs: SAGA_WITHIN_MS, streamBlockedMs: SAGA_WITHIN_MS },
        onProgress: (doing) => this.tellSlowly(doing),
      });
      return {
        seed,
        hits,
        startedAt: this.beganAt,
        endedAt: Date.now(),
        plan,
        records: lanes.records,
        failed: lanes.failed,
        counts: load.counts(),
        resumed,
        quiet,
        quietAfterMs,
        invariants,
      };
    } finally {
      await load.stop();
      await load.close();
      await sampler.stop();
      await Promise.all([watch.close(), gate.close()]);
    }
  }

  private report(figures: KillpointFigures, folder: RunFolder): void {
    summaryOf(figures).forEach((line) => this.write(line));
    const { plan: _, ...told } = figures;
    for (const path of [folder.report, this.options.report]) {
      if (path === undefined) continue;
      mkdirSync(dirname(resolve(path)), { recursive: true });
      writeFileSync(path, markdownOf(figures));
      writeFileSync(`${path.replace(/\.md$/, '')}.json`, `${JSON.stringify(told, null, 2)}\n`);
    }
  }

  private async untilQuiet(stack: ChaosStack, watch: StackWatch): Promise<boolean> {
    const database = new PostgresDatabase(stack.databaseUrl);
    try {
      const activity = await waitForQuiet({
        activity: new StackActivity(database, () => watch.lag()),
        withinMs: QUIET_WITHIN_MS,
        onWait: (now) => this.tellSlowly(`waiting until it stands still: ${JSON.stringify(now)}`),
      });
      if (!isQuiet(activity)) this.progress.report(`DOES NOT STAND STILL: ${JSON.stringify(activity)}`);
      return isQuiet(activity);
    } finally {
      await database.close();
    }
  }

  private async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.ending.signal }).catch(() => undefined);
  }

  private tell(load: ChaosLoad, plan: readonly PlannedHit[]): void {
    const { sent, accepted, unknown } = load.counts();
    const done = this.lanes?.records.length ?? 0;
    this.progress.report(`${done} of ${plan.length} hits; ${sent} commands sent, ${accepted} accepted, ${unknown} open`);
  }

  private tellSlowly(line: string): void {
    if (Date.now() - this.toldAt < LOOK_EVERY_MS) return;
    this.toldAt = Date.now();
    this.progress.report(line);
  }

  private goOn(): void {
    if (this.ending.signal.aborted) throw new Interrupted('interrupted');
  }
}
