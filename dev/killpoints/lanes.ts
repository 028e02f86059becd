import type { FaultRecord } from '../chaos/history/fault-record.js';
import { Random } from '../chaos/load/random.js';
import type { ChaosStack } from '../chaos/stack/chaos-stack.js';
import { DOUBLED_APPS, instancesOf, type DoubledApp, type Instance } from '../chaos/stack/instance.js';
import type { Hit, Recovery } from '../chaos/stack/recovery.js';
import type { StackWatch } from '../chaos/stack/stack-watch.js';
import type { AppendGate } from './append-gate.js';
import { failpointHit } from './failpoint-hits.js';
import { NotReached, type HitContext, type MadeHit } from './injector.js';
import { kindOf, type PlannedHit, type Victim } from './kill-points.js';
import { rebuildHit } from './rebuild-hits.js';
import { stopHit } from './stop-hits.js';

export interface LanesOptions {
  readonly stack: ChaosStack;
  readonly watch: StackWatch;
  readonly gate: AppendGate;
  readonly recovery: Pick<Recovery, 'of'>;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** A hit that did not come about, or found something that no check looks for. */
export interface FailedHit {
  readonly n: number;
  readonly kind: string;
  readonly target: string;
  readonly why: string;
}

const RECOVERY_DEADLINE_MS = 60_000;
/** Tries of one hit whose place was not reached, or that hit nothing. */
const TRIES = 3;

/**
 * Works a plan off: a lane for every process of every app, one for the gateway and one for rebuilds, all at the same time; one hit after
 * the other in each, the next when the last has been recovered from. The hits of an app come in an order drawn from the seed.
 */
export class Lanes {
  readonly records: FaultRecord[] = [];
  readonly failed: FailedHit[] = [];
  private readonly ending = new AbortController();
  private readonly excluded = new Set<string>();

  constructor(private readonly options: LanesOptions) {}

  /** Resolves when the plan is worked off. Hits not begun after `withinMs` are left out, and count as failed. */
  async run(plan: readonly PlannedHit[], withinMs: number): Promise<void> {
    const giveUpAt = Date.now() + withinMs;
    const queues = new Map<Victim, PlannedHit[]>();
    for (const hit of plan) queues.set(hit.point.victim, [...(queues.get(hit.point.victim) ?? []), hit]);
    const lanes = [...queues].flatMap(([victim, hits]) => {
      const queue = shuffled(hits, new Random(this.options.seed, victim.length));
      const instances = isDoubled(victim) ? instancesOf(victim) : [undefined];
      return instances.map((instance) => this.lane(queue, instance, giveUpAt));
    });
    await Promise.all(lanes);
  }

  /** No further hit; `run` resolves soon. */
  end(): void {
    this.ending.abort();
  }

  private async lane(queue: PlannedHit[], instance: Instance | undefined, giveUpAt: number): Promise<void> {
    for (let hit = this.take(queue); hit !== undefined; hit = this.take(queue)) {
      const target = instance?.name ?? hit.point.victim;
      if (this.ending.signal.aborted || Date.now() > giveUpAt) {
        this.failed.push({ n: hit.n, kind: kindOf(hit), target, why: 'no time was left' });
        continue;
      }
      try {
        await this.carryOut(hit, instance, target);
      } catch (error) {
        const why = (error as Error).message;
        this.failed.push({ n: hit.n, kind: kindOf(hit), target, why });
        this.options.say(`#${hit.n} ${kindOf(hit)} (${target}) FAILED: ${why}`);
      } finally {
        this.excluded.delete(exclusionOf(hit) ?? '');
      }
    }
  }

  private take(queue: PlannedHit[]): PlannedHit | undefined {
    const free = queue.findIndex((hit) => !this.excluded.has(exclusionOf(hit) ?? ''));
    const [hit] = free === -1 ? [] : queue.splice(free, 1);
    const exclusion = hit && exclusionOf(hit);
    if (exclusion !== undefined) this.excluded.add(exclusion);
    return hit;
  }

  private async carryOut(planned: PlannedHit, instance: Instance | undefined, target: string): Promise<void> {
    const { stack, seed, recovery, say } = this.options;
    const { n, point, action } = planned;
    const kind = kindOf(planned);
    const made = await this.make({ stack, point, action, instance, random: new Random(seed, n), signal: this.ending.signal });
    const hit: Hit = { instances: instance === undefined ? [] : [instance], stages: point.stages };
    const recoveredAt = made.recoveredAt ?? (await recovery.of(hit, RECOVERY_DEADLINE_MS));
    const { startedAt, healedAt, note } = made;
    this.records.push({
      n,
      kind,
      target,
      startedAt,
      healedAt,
      ...(recoveredAt !== undefined && { recoveredAt }),
      ...(note !== undefined && { note }),
    });
    if (recoveredAt === undefined) say(`#${n} ${kind} (${target}): NOT RECOVERED after ${RECOVERY_DEADLINE_MS / 1000} s`);
  }

  private async make(context: HitContext): Promise<MadeHit> {
    const { watch, gate } = this.options;
    const { by } = context.point;
    for (let attempt = 1; ; attempt += 1) {
      try {
        switch (by.kind) {
          case 'failpoint':
            return await failpointHit(by, context, watch);
          case 'append-gate':
            return await gate.hit(by.place, context);
          case 'signal':
            return await stopHit(by, context);
          case 'rebuild':
            return await rebuildHit(by.failpoint, context);
        }
      } catch (error) {
        if (!(error instanceof NotReached) || attempt === TRIES || context.signal.aborted) throw error;
      }
    }
  }
}

/**
 * What only one process at a time may suffer: of two that stand still there would be none to take over; and clients are promised that
 * somebody answers, which the two command APIs together can only keep while one of them is there.
 */
function exclusionOf({ point, action }: PlannedHit): string | undefined {
  if (action === 'stop' || (action === 'exit' && point.victim === 'command-api')) return `${action} ${point.victim}`;
  return undefined;
}

const isDoubled = (victim: Victim): victim is Victim & DoubledApp => (DOUBLED_APPS as readonly string[]).includes(victim);

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = random.between(0, last);
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}
