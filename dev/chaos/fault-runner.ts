import { setTimeout as delay } from 'node:timers/promises';
import type { FaultContext, FaultKind, Injection } from './faults/fault.js';
import type { FaultRecord } from './history/fault-record.js';
import { Random } from './load/random.js';
import type { PlannedFault } from './schedule.js';
import type { Recovery } from './stack/recovery.js';

export interface FaultRunnerOptions {
  readonly kinds: readonly FaultKind[];
  readonly context: Omit<FaultContext, 'random' | 'target' | 'holdMs' | 'signal' | 'isAlone' | 'hadCompany'>;
  readonly recovery: Pick<Recovery, 'of'>;
  /** One line for the person at the terminal. */
  readonly say: (line: string) => void;
  /** Longest time for things to work again after a fault, milliseconds. */
  readonly recoveryDeadlineMs: number;
  /** Longest time for a fault to be healed, milliseconds; default 90,000. What cannot be healed is a defect, and the run goes on. */
  readonly healDeadlineMs?: number;
  /** Faults at the same time; they never touch the same thing. */
  readonly atOnce: number;
}

/** A fault that was planned and could not be injected, or was armed and never reached; not counted as one. */
export interface LeftOut {
  readonly n: number;
  readonly kind: string;
  readonly target: string;
  readonly why: string;
  /** It was armed, and nothing came by: nobody's fault. */
  readonly notReached?: true;
}

const HEAL_DEADLINE_MS = 90_000;
/** When everything is to end, nobody waits longer for a fault to be healed. */
const HEAL_AT_THE_END_MS = 15_000;
const HEAL_AGAIN_AFTER_MS = 500;

/** Its time has come. */
interface Ready {
  readonly planned: PlannedFault;
  readonly kind: FaultKind;
  readonly touches: readonly string[];
}

/** A fault from its beginning until it is recovered from. */
interface Stay {
  hadCompany: boolean;
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
  private readonly stays = new Set<Stay>();
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
    await Promise.allSettled(this.active);
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
    const stay: Stay = { hadCompany: this.stays.size > 0 };
    for (const other of this.stays) other.hadCompany = true;
    this.stays.add(stay);
    const work = this.carryOut(planned, kind, stay)
      .catch((error: unknown) => this.defect(planned, `the fault runner itself failed: ${textOf(error)}`))
      .finally(() => {
        touches.forEach((name) => this.occupied.delete(name));
        this.stays.delete(stay);
        this.active.delete(work);
      });
    this.active.add(work);
  }

  private async carryOut(planned: PlannedFault, { kind, inject }: FaultKind, stay: Stay): Promise<void> {
    const { context, recovery, say, recoveryDeadlineMs } = this.options;
    const { n, target, holdMs, seed } = planned;
    const { signal } = this.ending;
    const others = this.active.size;
    const startedAt = Date.now();
    let injection: Injection;
    try {
      injection = await inject({
        ...context,
        target,
        holdMs,
        random: new Random(seed),
        signal,
        isAlone: () => this.active.size <= 1,
        hadCompany: () => stay.hadCompany,
      });
    } catch (error) {
      const why = textOf(error);
      this.leftOut.push({ n, kind, target, why });
      return say(`#${n} ${kind} (${target}) LEFT OUT: ${why}`);
    }
    if (injection.defect !== undefined) this.defect(planned, injection.defect);
    if (injection.heal !== undefined) await delay(holdMs, undefined, { signal }).catch(() => undefined);
    const unhealed = await this.heal(injection);
    const healedAt = Date.now();
    if (unhealed !== undefined) this.defect(planned, `could not be healed: ${unhealed}`);
    else if (injection.wasReached?.() === false) {
      const why = `armed, not reached${injection.note === undefined ? '' : `: ${injection.note}`}`;
      this.leftOut.push({ n, kind, target, why, notReached: true });
      return say(`#${n} ${kind} (${target}) ${why}`);
    }
    let recoveredAt: number | undefined;
    if (unhealed === undefined && !signal.aborted) {
      const recovering = recovery.of(injection.hit, recoveryDeadlineMs);
      recoveredAt = await recovering.catch(
        (error: unknown) => void this.defect(planned, `its recovery could not be seen: ${textOf(error)}`),
      );
      if (recoveredAt === undefined) this.defect(planned, `not recovered from within ${seconds(recoveryDeadlineMs)}`);
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

  private defect({ n, kind, target }: PlannedFault, what: string): void {
    this.defects.push(`#${n} ${kind} (${target}): ${what}`);
    this.options.say(`#${n} ${kind} (${target}) DEFECT: ${what}`);
  }

  /**
   * Tried until it works: a fault must not outlive its record. Answers why it did not work in time, undefined when it did. A try that is
   * late is left to itself: what it may still do is undone when the run heals everything.
   */
  private async heal({ heal }: Injection): Promise<string | undefined> {
    if (heal === undefined) return undefined;
    const { healDeadlineMs = HEAL_DEADLINE_MS } = this.options;
    let why = 'no answer';
    const late = new AbortController();
    const healing = (async (): Promise<undefined> => {
      while (!late.signal.aborted) {
        try {
          await heal();
          return undefined;
        } catch (error) {
          why = textOf(error);
          await delay(HEAL_AGAIN_AFTER_MS);
        }
      }
    })();
    const inTime = new AbortController();
    const givingUp = this.lateToHeal(healDeadlineMs, inTime.signal).then(() => {
      late.abort();
      return why;
    });
    return await Promise.race([healing, givingUp]).finally(() => inTime.abort());
  }

  private async lateToHeal(deadlineMs: number, inTime: AbortSignal): Promise<void> {
    const { signal } = this.ending;
    await delay(deadlineMs, undefined, { signal: AbortSignal.any([inTime, signal]) }).catch(() => undefined);
    if (signal.aborted) await delay(Math.min(deadlineMs, HEAL_AT_THE_END_MS), undefined, { signal: inTime }).catch(() => undefined);
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

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
