import { setTimeout as delay } from 'node:timers/promises';
import type { FaultContext, FaultKind, Injection } from './faults/fault.js';
import type { FaultRecord } from './history/fault-record.js';
import { Random } from './load/random.js';
import type { PlannedFault } from './schedule.js';
import type { Recovery } from './stack/recovery.js';

export interface FaultRunnerOptions {
  readonly kinds: readonly FaultKind[];
  readonly context: Omit<FaultContext, 'random' | 'target' | 'holdMs' | 'signal'>;
  readonly recovery: Pick<Recovery, 'of'>;
  /** One line for the person at the terminal. */
  readonly say: (line: string) => void;
  /** Longest time for things to work again after a fault, milliseconds. */
  readonly recoveryDeadlineMs: number;
  /** Faults at the same time; they never touch the same thing. */
  readonly atOnce: number;
}

/** A fault that was planned and could not be injected; not counted as one. */
export interface LeftOut {
  readonly n: number;
  readonly kind: string;
  readonly target: string;
  readonly why: string;
}

/** Its time has come. */
interface Ready {
  readonly planned: PlannedFault;
  readonly kind: FaultKind;
  readonly touches: readonly string[];
}

/**
 * Carries out a schedule: each fault at its time (or as soon as there is room for it and nobody else has what it touches), held, healed,
 * and watched until what it hit works again.
 */
export class FaultRunner {
  readonly records: FaultRecord[] = [];
  readonly leftOut: LeftOut[] = [];
  /** What must never be, and was seen while a fault was carried out. */
  readonly defects: string[] = [];
  private readonly active = new Set<Promise<void>>();
  private readonly occupied = new Set<string>();
  private readonly ending = new AbortController();

  constructor(private readonly options: FaultRunnerOptions) {}

  /** Faults that are on, or not recovered from yet. */
  get activeCount(): number {
    return this.active.size;
  }

  /** Resolves when the last fault is over. Those that have not begun by `forMs` are not begun. */
  async run(schedule: readonly PlannedFault[], forMs: number): Promise<void> {
    const { signal } = this.ending;
    const beganAt = Date.now();
    const waiting: Ready[] = [];
    for (const planned of [...schedule, undefined]) {
      const untilNext = planned === undefined ? forMs : planned.atMs;
      for (;;) {
        const leftMs = beganAt + Math.min(untilNext, forMs) - Date.now();
        if (leftMs <= 0 || signal.aborted || (planned === undefined && waiting.length === 0)) break;
        await this.somethingEnds(leftMs);
        this.beginWhatCan(waiting);
      }
      if (signal.aborted || Date.now() - beganAt >= forMs) break;
      if (planned === undefined) break;
      const kind = this.options.kinds.find(({ kind }) => kind === planned.kind)!;
      waiting.push({ planned, kind, touches: kind.occupies?.(planned.target) ?? [planned.target] });
      this.beginWhatCan(waiting);
    }
    await Promise.all(this.active);
  }

  /** What is on is healed, nothing new begins; `run` then resolves soon. */
  end(): void {
    this.ending.abort();
  }

  /** At the latest after so long. */
  private async somethingEnds(withinMs: number): Promise<void> {
    const over = new AbortController();
    const late = delay(withinMs, undefined, { signal: AbortSignal.any([over.signal, this.ending.signal]) }).catch(() => undefined);
    await Promise.race([late, ...this.active]);
    over.abort();
  }

  /** In the order of the schedule, but nobody waits for one whose thing is taken. */
  private beginWhatCan(waiting: Ready[]): void {
    for (const ready of [...waiting]) {
      if (this.active.size >= this.options.atOnce) return;
      if (!ready.touches.every((name) => !this.occupied.has(name))) continue;
      waiting.splice(waiting.indexOf(ready), 1);
      this.begin(ready);
    }
  }

  private begin({ planned, kind, touches }: Ready): void {
    touches.forEach((name) => this.occupied.add(name));
    const work = this.carryOut(planned, kind).finally(() => {
      touches.forEach((name) => this.occupied.delete(name));
      this.active.delete(work);
    });
    this.active.add(work);
  }

  private async carryOut({ n, target, holdMs, seed }: PlannedFault, { kind, inject }: FaultKind): Promise<void> {
    const { context, recovery, say, recoveryDeadlineMs } = this.options;
    const { signal } = this.ending;
    const others = this.active.size;
    const startedAt = Date.now();
    let injection: Injection;
    try {
      injection = await inject({ ...context, target, holdMs, random: new Random(seed), signal });
    } catch (error) {
      const why = (error as Error).message.split('\n')[0]!;
      this.leftOut.push({ n, kind, target, why });
      return say(`#${n} ${kind} (${target}) LEFT OUT: ${why}`);
    }
    if (injection.heal !== undefined) await delay(holdMs, undefined, { signal }).catch(() => undefined);
    const healedAt = await this.heal(injection);
    const recoveredAt = signal.aborted ? undefined : await recovery.of(injection.hit, recoveryDeadlineMs);
    if (injection.defect !== undefined) {
      this.defects.push(`#${n} ${kind} (${target}): ${injection.defect}`);
      say(`#${n} ${kind} (${target}) DEFECT: ${injection.defect}`);
    }
    const note = [injection.note, others > 0 ? 'beside another fault' : undefined].filter((text) => text !== undefined).join('; ');
    this.records.push({
      n,
      kind,
      target,
      startedAt,
      healedAt,
      ...(recoveredAt !== undefined && { recoveredAt }),
      ...(note !== '' && { note }),
    });
    say(describe({ n, kind, target, startedAt, healedAt, recoveredAt, note }));
  }

  /** When the fault was over. What cannot be healed now is tried until it can: a fault must not outlive its record. */
  private async heal({ heal }: Injection): Promise<number> {
    if (heal === undefined) return Date.now();
    for (let attempt = 1; ; attempt += 1) {
      try {
        await heal();
        return Date.now();
      } catch (error) {
        if (attempt === 20) throw error;
        await delay(500);
      }
    }
  }
}

export function describe({
  n,
  kind,
  target,
  startedAt,
  healedAt,
  recoveredAt,
  note,
}: Omit<FaultRecord, 'recoveredAt' | 'note'> & { readonly recoveredAt?: number | undefined; readonly note?: string }): string {
  const held = healedAt - startedAt < 50 ? '' : `, ${seconds(healedAt - startedAt)}`;
  const recovery = recoveredAt === undefined ? 'NOT RECOVERED' : `recovered after ${seconds(Math.max(0, recoveredAt - healedAt))}`;
  return `#${n} ${kind} (${target}${held}): ${recovery}${note ? ` [${note}]` : ''}`;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
