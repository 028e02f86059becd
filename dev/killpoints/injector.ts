import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../chaos/load/random.js';
import type { ChaosStack } from '../chaos/stack/chaos-stack.js';
import type { Instance } from '../chaos/stack/instance.js';
import type { ManagedProcess } from '../managed-process.js';
import type { Action, KillPoint } from './kill-points.js';

/** Where a hit is made, and what decides about it. */
export interface HitContext {
  readonly stack: ChaosStack;
  readonly point: KillPoint;
  readonly action: Action;
  /** The process to be hit; undefined where there is only one. */
  readonly instance: Instance | undefined;
  readonly random: Random;
  /** Aborted when everything is to end. */
  readonly signal: AbortSignal;
}

/** A hit that came about. Milliseconds since the epoch. */
export interface MadeHit {
  readonly startedAt: number;
  /** When what was done was over; what follows is recovery. */
  readonly healedAt: number;
  readonly note?: string;
  /** When it worked again, where the one who made the hit knows better than the stack's stages. */
  readonly recoveredAt?: number;
}

/** The place was not reached in time: nothing was hit. */
export class NotReached extends Error {}

const LOOK_EVERY_MS = 25;
/** Of stalls that are longer than every lock, lease and session, which live 5 to 6 s. */
const LONG_STALLS = 0.15;

/** How long something is held up at a place: mostly shortly. Milliseconds. */
export const stallOf = (random: Random): number => (random.chance(LONG_STALLS) ? random.between(6_500, 8_000) : random.between(100, 1_500));

/** Throws NotReached after `withinMs`, and when everything is to end. */
export async function until<T>(what: string, withinMs: number, signal: AbortSignal, look: () => Promise<T | undefined>): Promise<T> {
  for (const giveUpAt = Date.now() + withinMs; Date.now() < giveUpAt && !signal.aborted;) {
    const found = await look();
    if (found !== undefined) return found;
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  throw new NotReached(`${what} within ${withinMs / 1000} s`);
}

/** The running process of a service, once there is one: a hit before this one may just have killed it. */
export const runningProcess = (stack: ChaosStack, service: string, signal: AbortSignal): Promise<ManagedProcess> =>
  until(`${service} did not run`, 30_000, signal, async () => {
    const child = stack.processOf(service);
    return child.running ? child : undefined;
  });
