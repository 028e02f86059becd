import { setTimeout as delay } from 'node:timers/promises';
import { failpoints } from '#failpoints';
import type { AppendRequest, AppendVerdict } from './append-request.js';
import type { EventStore } from './event-store.js';
import { isConnectionFailure, isLockTimeout, isRollback } from './database-failure.js';
import { HeldRequests, type Waiting } from './held-requests.js';
import { OverloadedError } from './overloaded-error.js';

export interface CommittedBatch {
  readonly requests: number;
  /** Events that were appended. */
  readonly events: number;
  readonly durationMs: number;
}

export interface GroupCommitOptions {
  readonly store: Pick<EventStore, 'append' | 'heldStreams'>;
  /** Most events a round trip; a single larger request goes alone. Default 2000. */
  readonly maxEvents?: number;
  /** Most requests a round trip. Default 200. */
  readonly maxRequests?: number;
  /** Most requests that wait; beyond that append throws {@link OverloadedError}. Default 5000. */
  readonly maxQueued?: number;
  /** Round trips at once, each on a connection of its own. Default 2. */
  readonly inFlight?: number;
  /** Milliseconds a request waits for a stream that somebody holds, before it fails with the lock timeout (55P03). Default 6000. */
  readonly patienceMs?: number;
  /** After each commit that appended something: wake the relay, count. Must not throw. */
  readonly onCommitted?: (batch: CommittedBatch) => void;
}

/** Pauses before a round trip is tried again, milliseconds. */
const RETRY_PAUSES = [20, 100, 400];
/** Only where the kill point between the sending and its answer is armed, milliseconds. */
const LEAVES_WITHIN_MS = 2;

/**
 * Lets concurrent callers share a commit: what arrives while the connections are busy goes together on the next one. There is no timer:
 * a lone caller is not made to wait.
 * - A request that the database refuses (malformed data) fails alone; its neighbours are appended without it.
 * - A request for a stream that somebody else holds steps aside (see HeldRequests) as soon as its round trip has met the lock timeout;
 *   its neighbours, and what comes after it, go on without it.
 * - After a lost connection the outcome is unknown. Requests with a command are sent again, which is safe because their key finds what
 *   was done; one without a command is failed with the connection's error, and so is one whose later tries fail.
 */
export class GroupCommit {
  readonly #options: Required<Omit<GroupCommitOptions, 'onCommitted'>> & Pick<GroupCommitOptions, 'onCommitted'>;
  readonly #queue: Waiting[] = [];
  readonly #held: HeldRequests;
  #running = 0;
  #scheduled = false;
  #closing = false;
  #idle: (() => void)[] = [];

  constructor(options: GroupCommitOptions) {
    this.#options = { maxEvents: 2_000, maxRequests: 200, maxQueued: 5_000, inFlight: 2, patienceMs: 6_000, ...options };
    const { store, patienceMs } = this.#options;
    this.#held = new HeldRequests({ store, patienceMs, onFree: (free) => this.#resume(free) });
  }

  /** Requests that wait for a connection, or for a stream that somebody holds. */
  get queued(): number {
    return this.#queue.length + this.#held.size;
  }

  append(request: AppendRequest): Promise<AppendVerdict> {
    if (this.#closing) return Promise.reject(new OverloadedError('the store is closing'));
    if (this.queued >= this.#options.maxQueued) {
      return Promise.reject(new OverloadedError(`${this.queued} appends are waiting already`));
    }
    return new Promise((resolve, reject) => {
      const events = request.writes.reduce((sum, write) => sum + write.events.length, 0);
      // A later try that fails for certain does not make an earlier one of unknown outcome undone.
      const waiting: Waiting = { request, events, resolve, reject: (error) => reject(waiting.lost ?? error) };
      if (this.#held.join(waiting)) return;
      this.#queue.push(waiting);
      this.#schedule();
    });
  }

  /** Takes no more requests, and resolves when those taken are answered. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.queued > 0 || this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Once all that arrived in this turn of the event loop are in the queue. */
  #schedule(): void {
    if (this.#scheduled || this.#running >= this.#options.inFlight) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#running < this.#options.inFlight && this.#queue.length > 0) void this.#run(this.#takeBatch());
    });
  }

  #takeBatch(): Waiting[] {
    let events = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      events += waiting.events;
      if (count > 0 && (events > this.#options.maxEvents || count >= this.#options.maxRequests)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #run(batch: Waiting[]): Promise<void> {
    this.#running += 1;
    await this.#commit(batch);
    this.#running -= 1;
    this.#goOn();
  }

  /** Streams are free again; or nobody waits for them any longer. */
  #resume(free: Waiting[]): void {
    this.#queue.unshift(...free);
    this.#goOn();
  }

  #goOn(): void {
    if (this.#queue.length > 0) this.#schedule();
    else if (this.#running === 0 && this.#held.size === 0) this.#idle.splice(0).forEach((resolve) => resolve());
  }

  async #commit(batch: Waiting[]): Promise<void> {
    let remaining = batch;
    let unexplained = 0;
    for (let attempt = 0; remaining.length > 0; attempt += 1) {
      try {
        const startedAt = performance.now();
        const verdicts = await this.#append(remaining.map(({ request }) => request));
        this.#settle(remaining, verdicts, performance.now() - startedAt);
        return;
      } catch (error) {
        if (isLockTimeout(error)) {
          const free = await this.#held.stepAside(remaining, error);
          // Free by now, or held where it cannot be seen: a key, or a stream that somebody is about to begin.
          if (free.length === remaining.length && (remaining.length > 1 || ++unexplained > 1)) return await this.#isolate(remaining, error);
          remaining = free;
          continue;
        }
        if (!isRollback(error) && !isConnectionFailure(error)) return await this.#isolate(remaining, error);
        const retriable = isRollback(error) ? remaining : remaining.filter(({ request }) => request.command !== undefined);
        const pause = RETRY_PAUSES[attempt];
        const lost = pause === undefined ? remaining : remaining.filter((waiting) => !retriable.includes(waiting));
        lost.forEach(({ reject }) => reject(error));
        if (pause === undefined) return;
        if (!isRollback(error)) retriable.forEach((waiting) => (waiting.lost = error));
        remaining = retriable;
        await delay(pause);
      }
    }
  }

  async #append(requests: AppendRequest[]): Promise<AppendVerdict[]> {
    if (!failpoints.armed) return await this.#options.store.append(requests);
    await failpoints.reach('command-api.before-append');
    const sent = this.#options.store.append(requests);
    sent.catch(() => undefined);
    // Time to leave this process: a free connection is asked for, then written to. Shorter than a commit takes.
    if (failpoints.plans('command-api.append-sent')) await delay(LEAVES_WITHIN_MS);
    await failpoints.reach('command-api.append-sent');
    const verdicts = await sent;
    await failpoints.reach('command-api.committed');
    return verdicts;
  }

  /** The database refused the batch because of something in it, nobody knows what: each on its own, in order. */
  async #isolate(batch: Waiting[], error: unknown): Promise<void> {
    if (batch.length === 1) {
      batch[0]?.reject(error);
      return;
    }
    for (const waiting of batch) await this.#commit([waiting]);
  }

  #settle(batch: Waiting[], verdicts: AppendVerdict[], durationMs: number): void {
    let events = 0;
    let appended = false;
    const answers = batch.map(({ request, events: count }, index) => {
      const verdict = verdicts[index] as AppendVerdict;
      // Its own earlier try, whose answer was lost with the connection.
      const own = verdict.outcome === 'repeated' && verdict.commandId === request.command?.id;
      if (!own && verdict.outcome !== 'appended') return verdict;
      events += count;
      appended = true;
      return { outcome: 'appended' } as const;
    });
    if (appended) this.#options.onCommitted?.({ requests: batch.length, events, durationMs });
    batch.forEach(({ resolve }, index) => resolve(answers[index] as AppendVerdict));
  }
}
