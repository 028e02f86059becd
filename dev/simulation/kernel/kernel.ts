import { SeededRandom } from './seeded-random.js';
import { TimerHeap, type Due } from './timer-heap.js';
import { Trace } from './trace.js';
import { installVirtualTime, realSetImmediate, type TimeKeeper } from './virtual-time.js';

/** A process of the simulated world: what dies with it is its volatile state, nothing else. */
export class SimulatedProcess {
  /** Dead: nothing of it ever runs again. */
  dead = false;
  /** Stopped (as by SIGSTOP): what is due waits until it is continued. */
  stopped = false;
  /** @internal */
  readonly timers = new TimerHeap<Entry>();
  /** @internal */
  readonly immediates: Entry[] = [];
  /** @internal What came for it while it was stopped. */
  readonly held: Entry[] = [];

  constructor(readonly name: string) {}
}

interface Entry extends Due {
  readonly label: string;
  /** Undefined: the world around (network, servers). */
  readonly owner: SimulatedProcess | undefined;
  readonly run: () => void;
}

/** Something the scheduler may do to the world between two steps. Answers what it did, undefined when there was nothing to do it to. */
export interface Fault {
  readonly name: string;
  readonly weight: number;
  inject(): string | undefined;
}

export interface KernelOptions {
  readonly seed: number;
  /** Keep the lines of the trace. */
  readonly tracing?: boolean;
  /** Virtual time of the first step, milliseconds since the epoch. */
  readonly startAt?: number;
}

export interface RunOptions {
  /** Asked after every step. */
  until(): boolean;
  /** Virtual milliseconds from now; when they are over, or nothing is left to do, the answer is `stuck`. */
  readonly withinMs: number;
  readonly maxSteps: number;
}

const DEFAULT_START = Date.UTC(2026, 0, 5, 8);
/** A step takes from 0 to this many virtual milliseconds. */
const STEP_MS = 2;

/**
 * A seeded scheduler over virtual time. Everything that goes on outside one turn of the event loop is an entry here: timers, and what
 * neighbours receive and answer. One entry runs at a time, chosen by the seed from those that are due; then all promises it settled run
 * dry before the next. So between any two steps of the code under simulation there is a place to delay, reorder, stop or kill, and the
 * same seed takes the same choices.
 *
 * - Timers and immediates of one process keep their order, as in Node; everything else may overtake.
 * - Whoever runs is {@link current}: what it starts belongs to it and dies with it. Requests that have left it may still arrive.
 * - An error thrown by an entry, or a rejection nobody handles, would end a real process: it ends the seed (see {@link failure}).
 */
export class Kernel implements TimeKeeper {
  readonly random: SeededRandom;
  readonly trace: Trace;
  now: number;
  steps = 0;
  current: SimulatedProcess | undefined;
  /** The first error that no code under simulation handled. */
  failure: { readonly process: string; readonly error: unknown } | undefined;
  /** How often each fault was injected. */
  readonly injected = new Map<string, number>();
  private readonly ready: Entry[] = [];
  private readonly later = new TimerHeap<Entry>();
  private readonly processes: SimulatedProcess[] = [];
  private sequence = 0;
  private faults: readonly Fault[] = [];
  private faultRate = 0;
  private totalWeight = 0;

  constructor({ seed, tracing = false, startAt = DEFAULT_START }: KernelOptions) {
    this.random = new SeededRandom(seed);
    this.trace = new Trace(tracing);
    this.now = startAt;
  }

  /** Starts a process; `main` is its first step. */
  spawn(name: string, main: () => void): SimulatedProcess {
    const process = new SimulatedProcess(name);
    this.processes.push(process);
    this.ready.push(this.entry('main', process, this.now, main));
    return process;
  }

  /** kill -9: what it waited for is never answered, its timers never fire. Requests that have left may still arrive. */
  kill(process: SimulatedProcess): void {
    process.dead = true;
    const index = this.processes.indexOf(process);
    if (index !== -1) this.processes.splice(index, 1);
    this.note(process, 'killed');
  }

  stop(process: SimulatedProcess): void {
    process.stopped = true;
    this.note(process, 'stopped');
  }

  continue(process: SimulatedProcess): void {
    process.stopped = false;
    this.ready.push(...process.held.splice(0));
    this.note(process, 'continued');
  }

  /** Calls back in a step of its own: in the world around, or in a process (`owner`) should that still live by then. */
  schedule(label: string, owner: SimulatedProcess | undefined, run: () => void, delayMs = 0): Due {
    const entry = this.entry(label, owner, this.now + delayMs, run);
    if (delayMs === 0) this.ready.push(entry);
    else this.later.push(entry);
    return entry;
  }

  /**
   * A request of the running process to a neighbour, two steps: `effect` when it arrives there, the promise when its answer is back. What
   * `effect` throws is the answer too. The caller may be dead or late in either case.
   */
  request<T>(label: string, effect: () => T, delayMs: () => number = () => 0): Promise<T> {
    const caller = this.current;
    return new Promise((resolve, reject) => {
      const arrive = (): void => {
        let answer: () => void;
        try {
          const result = effect();
          answer = () => resolve(result);
        } catch (error) {
          answer = () => reject(error);
        }
        this.schedule(`${label} answered`, caller, answer, delayMs());
      };
      this.schedule(label, undefined, arrive, delayMs());
    });
  }

  /** From now on, before a step and with this probability, one of the faults. An empty list heals the world. */
  setFaults(faults: readonly Fault[], rate: number): void {
    this.faults = faults;
    this.faultRate = faults.length === 0 ? 0 : rate;
    this.totalWeight = faults.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** A line of the trace, and part of its hash. */
  note(who: SimulatedProcess | undefined, what: string): void {
    this.trace.add(this.now, who?.name ?? '-', what);
  }

  draw(): number {
    return this.random.below(1_000_000) / 1_000_000;
  }

  startTimer(label: string, ms: number, run: () => void): () => void {
    const owner = this.current;
    const entry = this.entry(label, owner, this.now + Math.ceil(ms), run);
    (owner?.timers ?? this.later).push(entry);
    return () => void (entry.cancelled = true);
  }

  startImmediate(run: () => void): () => void {
    const owner = this.current;
    const entry = this.entry('immediate', owner, this.now, run);
    (owner?.immediates ?? this.ready).push(entry);
    return () => void (entry.cancelled = true);
  }

  /** Runs a simulation inside virtual time; afterwards the thread has its clocks and timers back. */
  async inside<T>(simulation: () => Promise<T>): Promise<T> {
    const uninstall = installVirtualTime(this);
    const onRejection = (error: unknown): void => this.fail(error);
    process.on('unhandledRejection', onRejection);
    try {
      return await simulation();
    } finally {
      process.off('unhandledRejection', onRejection);
      uninstall();
    }
  }

  /** Steps until that is so. `failed`: see {@link failure}. */
  run({ until, withinMs, maxSteps }: RunOptions): Promise<'done' | 'stuck' | 'failed'> {
    const deadline = this.now + withinMs;
    const lastStep = this.steps + maxSteps;
    return new Promise((resolve, reject) => {
      // A turn of the real event loop a step: promises and ticks have run dry when it comes round.
      const turn = (): void => {
        try {
          this.current = undefined;
          if (this.failure !== undefined) return resolve('failed');
          if (until()) return resolve('done');
          if (this.steps >= lastStep || !this.step(deadline)) return resolve('stuck');
          realSetImmediate(turn);
        } catch (error) {
          reject(error as Error);
        }
      };
      realSetImmediate(turn);
    });
  }

  /** False when nothing is due before the deadline. */
  private step(deadline: number): boolean {
    this.steps += 1;
    this.now += this.random.below(STEP_MS + 1);
    if (this.faultRate > 0 && this.random.chance(this.faultRate)) this.inject();
    for (;;) {
      const entry = this.choose();
      if (entry === undefined) {
        if (!this.leap(deadline)) return false;
        continue;
      }
      if (entry.cancelled || entry.owner?.dead === true) continue;
      if (entry.owner?.stopped === true) {
        entry.owner.held.push(entry);
        continue;
      }
      this.run1(entry);
      return true;
    }
  }

  private run1(entry: Entry): void {
    this.trace.add(this.now, entry.owner?.name ?? '-', entry.label);
    this.current = entry.owner;
    try {
      entry.run();
    } catch (error) {
      this.fail(error);
    }
  }

  /** One of all that is due: each entry of the ready list is as likely as each process's next timer and next immediate. */
  private choose(): Entry | undefined {
    for (let due = this.later.peek(); due !== undefined && due.at <= this.now; due = this.later.peek()) {
      this.ready.push(due);
      this.later.pop();
    }
    const sources: (() => Entry | undefined)[] = [];
    for (const process of this.processes) {
      if (process.stopped) continue;
      const timer = process.timers.peek();
      if (timer !== undefined && timer.at <= this.now) sources.push(() => process.timers.pop());
      if (process.immediates.length > 0) sources.push(() => process.immediates.shift());
    }
    const count = this.ready.length + sources.length;
    if (count === 0) return undefined;
    const chosen = this.random.below(count);
    if (chosen >= this.ready.length) return (sources[chosen - this.ready.length] as () => Entry | undefined)();
    const entry = this.ready[chosen] as Entry;
    const last = this.ready.pop() as Entry;
    if (last !== entry) this.ready[chosen] = last;
    return entry;
  }

  /** To the next moment something is due. */
  private leap(deadline: number): boolean {
    let next = this.later.peek()?.at ?? Infinity;
    for (const process of this.processes) {
      if (!process.stopped) next = Math.min(next, process.timers.peek()?.at ?? Infinity);
    }
    if (next > deadline) return false;
    this.now = Math.max(this.now, next);
    return true;
  }

  private inject(): void {
    let ticket = this.random.below(this.totalWeight);
    for (const fault of this.faults) {
      ticket -= fault.weight;
      if (ticket >= 0) continue;
      const what = fault.inject();
      if (what === undefined) return;
      this.injected.set(fault.name, (this.injected.get(fault.name) ?? 0) + 1);
      this.note(undefined, `FAULT ${fault.name}: ${what}`);
      return;
    }
  }

  private fail(error: unknown): void {
    this.failure ??= { process: this.current?.name ?? 'world', error };
    this.note(this.current, `unhandled: ${String(error)}`);
  }

  private entry(label: string, owner: SimulatedProcess | undefined, at: number, run: () => void): Entry {
    this.sequence += 1;
    return { label, owner, at, sequence: this.sequence, run, cancelled: false };
  }
}
