import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Progress } from '../progress.js';
import { verifyStack } from '../verify/verify-stack.js';
import type { ChaosArguments } from './arguments.js';
import { chooseKinds } from './choose-kinds.js';
import { FaultRunner } from './fault-runner.js';
import { FAULT_KINDS } from './faults/fault-kinds.js';
import { HistoryWriter } from './history/history-writer.js';
import type { StackSample } from './history/resource-sample.js';
import { ChaosLoad } from './load/chaos-load.js';
import { newRunFolder, type RunFolder } from './run-folder.js';
import { scheduleOf } from './schedule.js';
import { ChaosStack } from './stack/chaos-stack.js';
import { Recovery } from './stack/recovery.js';
import { Sampler } from './stack/sampler.js';
import { choosePorts } from './stack/stack-ports.js';
import { StackWatch } from './stack/stack-watch.js';

const GAP_MS = [8_000, 12_000] as const;
const AT_ONCE = 2;
const RECOVERY_DEADLINE_MS = 60_000;
const LOOK_EVERY_MS = 10_000;
const CONCURRENCY = 256;
/** Load after the last fault, so that first successes are seen. */
const AFTERMATH_MS = 6_000;
const QUIET_WITHIN_MS = 180_000;
const SETTLE_WITHIN_MS = 60_000;

export class Interrupted extends Error {}

/** One run from an empty database to the verdict. `end` interrupts it wherever it is; `go` then rejects with Interrupted when all has stopped. */
export class ChaosRun {
  private readonly progress: Progress;
  private readonly ending = new AbortController();
  private stack: ChaosStack | undefined;
  private faults: FaultRunner | undefined;
  private beganAt = 0;

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

  /** Without any order: for somebody who asked twice. */
  kill(): void {
    this.stack?.kill();
  }

  /** Whether everything holds. */
  async go(): Promise<boolean> {
    const { minutes, seed } = this.options;
    const folder = await newRunFolder(seed);
    this.write(`chaos: ${minutes} minutes, seed ${seed}, in ${folder.path}`);
    const { kinds, proxyBinary, leftOut } = await chooseKinds(FAULT_KINDS, this.options.faults, (line) => this.write(line));
    leftOut.forEach((line) => this.write(`  ${line}`));
    const stack = (this.stack = new ChaosStack({
      stateDir: folder.path,
      ports: await choosePorts(),
      progress: this.progress,
      proxyBinary,
      env: { NODE_ENV: 'development', FAILPOINTS: 'on' },
    }));
    let holds = false;
    try {
      await stack.start();
      this.goOn();
      holds = await this.test(stack, kinds, folder);
    } finally {
      await stack.stop();
      if (holds && !this.options.keep) folder.remove();
      else this.write(`kept: database, logs and history are in ${folder.path}`);
    }
    return holds;
  }

  private async test(stack: ChaosStack, kinds: typeof FAULT_KINDS, folder: RunFolder): Promise<boolean> {
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
      onSample: (sample) => this.write(this.progressLine(load, sample)),
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
    try {
      this.beganAt = Date.now();
      load.start();
      sampler.start();
      await faults.run(scheduleOf({ seed, forMs, kinds, gapMs: GAP_MS }), forMs);
      this.goOn();
      await stack.healAll();
      await delay(AFTERMATH_MS, undefined, { signal: this.ending.signal }).catch(() => undefined);
      await load.stop();
      this.goOn();
      this.progress.report('load stopped, all faults healed: asking for every missing answer');
      const open = await load.settle({ withinMs: SETTLE_WITHIN_MS });
      if (open > 0) this.progress.report(`${open} commands have NO ANSWER even now`);
      writeFileSync(folder.faults, JSON.stringify(faults.records, null, 2));
      this.goOn();
      const verification = await verifyStack({
        databaseUrl: stack.databaseUrl,
        kafkaBrokers: stack.kafkaBrokers,
        topicPrefix: stack.topicPrefix,
        gatewayUrl: stack.urlOf('gateway'),
        withinMs: QUIET_WITHIN_MS,
        onQuiet: (activity) => this.progress.report(JSON.stringify(activity)),
        onChecked: (invariant) => this.write(JSON.stringify(invariant).slice(0, 1000)),
      });
      return verification.ok && faults.records.every(({ recoveredAt }) => recoveredAt !== undefined);
    } finally {
      await load.stop();
      await load.close();
      await sampler.stop();
      await watch.close();
      history.close();
    }
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
