import { setTimeout as delay } from 'node:timers/promises';
import { answersOk, type ChaosStack } from './chaos-stack.js';
import type { Instance } from './instance.js';
import { GROUPS, type Ends, type GroupName, type StackWatch } from './stack-watch.js';

/** What works again when a fault is over. */
export type Stage = 'commands' | 'publishing' | 'fulfilment' | 'projection' | 'queries' | 'gateway';

export interface Hit {
  /** Must be ready again. */
  readonly instances: readonly Instance[];
  readonly stages: readonly Stage[];
}

export const EVERYTHING_BUT_QUERIES: readonly Stage[] = ['commands', 'publishing', 'fulfilment', 'projection'];
export const EVERYTHING: readonly Stage[] = [...EVERYTHING_BUT_QUERIES, 'queries'];

const LOOK_EVERY_MS = 100;
const LOOK_AT_BROKER_EVERY_MS = 250;
const GROUP_OF: Partial<Record<Stage, GroupName>> = { fulfilment: 'orchestrator', projection: 'projector' };

export interface RecoveryOptions {
  readonly stack: ChaosStack;
  readonly watch: StackWatch;
  /** Commands accepted so far. */
  readonly accepted: () => number;
}

/**
 * Says when what a fault hit works again:
 * - an instance: its process runs and reports ready
 * - commands: one was accepted after the fault; queries: every instance answers one
 * - publishing: everything stored until the fault was over has been published
 * - fulfilment, projection: their group has taken everything that was on its topics when the fault was over
 */
export class Recovery {
  constructor(private readonly options: RecoveryOptions) {}

  /** To be called when the fault is over. Milliseconds since the epoch; undefined: not within the deadline. Never rejects. */
  async of({ instances, stages }: Hit, deadlineMs: number): Promise<number | undefined> {
    const giveUpAt = Date.now() + deadlineMs;
    const waits = [
      ...instances.map((instance) => until(() => this.options.stack.isReady(instance), giveUpAt)),
      ...stages.map((stage) => this.stage(stage, giveUpAt)),
    ];
    if (waits.length === 0) return Date.now();
    const moments = await Promise.all(waits);
    return moments.includes(undefined) ? undefined : Math.max(...(moments as number[]));
  }

  private async stage(stage: Stage, giveUpAt: number): Promise<number | undefined> {
    const { stack, watch, accepted } = this.options;
    switch (stage) {
      case 'commands': {
        const before = accepted();
        return until(async () => accepted() > before, giveUpAt);
      }
      case 'queries':
        return until(
          async () => (await Promise.all(stack.queryUrls.map((url) => answersOk(`${url}/orders?limit=1`)))).every(Boolean),
          giveUpAt,
        );
      case 'gateway':
        return until(() => answersOk(`${stack.urlOf('gateway')}/health/ready`), giveUpAt);
      case 'publishing': {
        const mark = await retried(() => watch.lastPosition(), giveUpAt);
        if (mark === undefined) return undefined;
        return until(async () => ((await watch.firstUnpublished()) ?? Infinity) > mark, giveUpAt);
      }
      case 'fulfilment':
      case 'projection': {
        const group = GROUP_OF[stage]!;
        const marks = await retried(() => watch.ends(GROUPS[group]), giveUpAt);
        if (marks === undefined) return undefined;
        return until(async () => hasPassed(await watch.lags(group), marks), giveUpAt, LOOK_AT_BROKER_EVERY_MS);
      }
    }
  }
}

function hasPassed(lags: Awaited<ReturnType<StackWatch['lags']>>, marks: Ends): boolean {
  return lags.every(({ topic, partition, committed }) => committed >= (marks.get(`${topic}/${partition}`) ?? 0));
}

/** When it came true; an attempt that throws counts as not yet. */
async function until(attempt: () => Promise<boolean>, giveUpAt: number, everyMs = LOOK_EVERY_MS): Promise<number | undefined> {
  for (;;) {
    if (await attempt().catch(() => false)) return Date.now();
    if (Date.now() > giveUpAt) return undefined;
    await delay(everyMs);
  }
}

/** undefined: it never went well in time. */
async function retried<T>(look: () => Promise<T>, giveUpAt: number): Promise<T | undefined> {
  for (;;) {
    const seen = await look().catch(() => undefined);
    if (seen !== undefined || Date.now() > giveUpAt) return seen;
    await delay(LOOK_EVERY_MS);
  }
}
