import { setTimeout as delay } from 'node:timers/promises';
import { PROJECTIONS } from '#read-models';
import type { Database } from './database.js';

/** How much is still under way. Everything but `position`, `parked` and `deadLetters` is 0 on a stack that stands still. */
export interface Activity {
  /** Events stored and not yet published. */
  readonly outbox: number;
  /** Records that consumer groups have not taken, all together. */
  readonly lag: number;
  /** Streams whose newest version some projection has not applied, all projections together. */
  readonly behind: number;
  /** Fulfilments that owe an action. */
  readonly running: number;
  /** Fulfilments that wait for an operator. */
  readonly parked: number;
  /** Events that could not be published, or were not taken by a consumer. */
  readonly deadLetters: number;
  /** Of the newest event. */
  readonly position: number;
  /** Why the last look failed; the figures are then those of the last one that did not. Never quiet. */
  readonly unseen?: string;
}

export interface ActivitySource {
  look(): Promise<Activity>;
}

export interface QuietOptions {
  readonly activity: ActivitySource;
  readonly withinMs: number;
  readonly everyMs?: number;
  /** A look that takes longer has failed, milliseconds. Default 60,000. */
  readonly lookWithinMs?: number;
  readonly onWait?: (activity: Activity) => void;
}

export const isQuiet = ({ outbox, lag, behind, running, unseen }: Activity): boolean =>
  unseen === undefined && outbox + lag + behind + running === 0;

const NOTHING_SEEN: Activity = { outbox: 0, lag: 0, behind: 0, running: 0, parked: 0, deadLetters: 0, position: 0 };

/**
 * Waits until nothing is under way twice in a row without a new event in between; answers the last look, quiet or not. Never rejects: a
 * stack that cannot be looked at is not quiet, and may still come back before the deadline.
 */
export async function waitForQuiet({ activity, withinMs, everyMs = 500, lookWithinMs = 60_000, onWait }: QuietOptions): Promise<Activity> {
  const giveUpAt = Date.now() + withinMs;
  let seen = NOTHING_SEEN;
  for (let before: Activity | undefined; ;) {
    let now: Activity;
    try {
      now = seen = await inTime(activity.look(), lookWithinMs);
    } catch (error) {
      now = { ...seen, unseen: error instanceof Error ? error.message || error.name : String(error) };
    }
    if (isQuiet(now) && before !== undefined && isQuiet(before) && before.position === now.position) return now;
    if (Date.now() > giveUpAt) return now;
    if (!isQuiet(now)) onWait?.(now);
    before = now;
    await delay(everyMs);
  }
}

async function inTime<T>(look: Promise<T>, withinMs: number): Promise<T> {
  const over = new AbortController();
  const late = delay(withinMs, undefined, { signal: over.signal }).then(() => {
    throw new Error(`no answer within ${withinMs} ms`);
  });
  return await Promise.race([look, late]).finally(() => {
    over.abort();
    late.catch(() => undefined);
  });
}

/** Activity of a running stack: its database, and its consumer groups by way of `lag`. */
export class StackActivity implements ActivitySource {
  constructor(
    private readonly database: Database,
    private readonly lag: () => Promise<number>,
  ) {}

  async look(): Promise<Activity> {
    const lag = await this.lag();
    const [row] = await this.database.rows<Omit<Activity, 'lag' | 'behind'>>(
      `SELECT (SELECT count(*) FROM tidemark.outbox) AS outbox,
         (SELECT count(*) FROM tidemark.fulfilment_work WHERE due_at IS NOT NULL) AS running,
         (SELECT count(*) FROM tidemark.fulfilment_work WHERE due_at IS NULL) AS parked,
         (SELECT count(*) FROM tidemark.outbox_dead_letters)
           + (SELECT count(*) FROM tidemark.consumer_dead_letters WHERE state = 'held') AS "deadLetters",
         (SELECT coalesce(max(position), 0) FROM tidemark.events) AS position`,
    );
    return { ...row!, lag, behind: await this.behind() };
  }

  private async behind(): Promise<number> {
    const [row] = await this.database.rows<{ behind: number }>(
      `SELECT count(*) AS behind
       FROM unnest($1::text[], $2::text[]) AS wanted (projection, category)
       JOIN tidemark.streams s ON s.stream_id >= wanted.category || '-' AND s.stream_id < wanted.category || '.' AND s.version > 0
       LEFT JOIN read.projection_positions p ON p.projection = wanted.projection AND p.stream_id = s.stream_id
       WHERE p.version IS DISTINCT FROM s.version`,
      [PROJECTIONS.map(({ name }) => name), PROJECTIONS.map(({ category }) => category)],
    );
    return row!.behind;
  }
}
