import { setTimeout as delay } from 'node:timers/promises';
import type { AppendRequest, AppendVerdict } from './append-request.js';
import type { EventStore } from './event-store.js';

/** A request that was taken and is not answered yet. */
export interface Waiting {
  readonly request: AppendRequest;
  readonly events: number;
  /** With what the connection was lost under an earlier try: whether that one was carried out is not known. */
  lost?: unknown;
  resolve(verdict: AppendVerdict): void;
  reject(error: unknown): void;
}

interface HeldRequestsOptions {
  readonly store: Pick<EventStore, 'heldStreams'>;
  /** Milliseconds a request waits here in all. */
  readonly patienceMs: number;
  /** Called after every look, perhaps with nothing: these have their streams free. Must not throw. */
  readonly onFree: (free: Waiting[]) => void;
}

/** Milliseconds between two looks at who still holds what. */
const LOOK_MS = 100;

/**
 * Where requests wait for streams that somebody else holds (a process that stands still in its transaction, an operator's session),
 * so that they do not wait on a connection that others need. One cheap query asks for all of them; whose patience ends is rejected with
 * the lock timeout it met.
 */
export class HeldRequests {
  readonly #options: HeldRequestsOptions;
  readonly #deadlines = new WeakMap<Waiting, number>();
  #waiting: Waiting[] = [];
  /** Streams that were held at the last look. */
  #streams = new Set<string>();
  #error: unknown;
  #looking = false;

  constructor(options: HeldRequestsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Takes a new request when its stream is known to be held, instead of letting it hold up a round trip to find that out. */
  join(waiting: Waiting): boolean {
    if (!isHeld(waiting, this.#streams)) return false;
    this.#take([waiting]);
    return true;
  }

  /** Takes those of a timed-out round trip whose streams are held, and answers the others. */
  async stepAside(batch: readonly Waiting[], error: unknown): Promise<Waiting[]> {
    const held = await this.#look(batch);
    // Who cannot ask goes on: the append itself will tell what is wrong.
    if (held === undefined) return [...batch];
    this.#error = error;
    held.forEach((stream) => this.#streams.add(stream));
    this.#take(batch.filter((waiting) => isHeld(waiting, held)));
    return batch.filter((waiting) => !isHeld(waiting, held));
  }

  #take(batch: readonly Waiting[]): void {
    for (const waiting of batch) {
      // What was free for a moment and is held again does not begin anew.
      if (!this.#deadlines.has(waiting)) this.#deadlines.set(waiting, performance.now() + this.#options.patienceMs);
      this.#waiting.push(waiting);
    }
    if (!this.#looking && this.#waiting.length > 0) void this.#watch();
  }

  async #watch(): Promise<void> {
    this.#looking = true;
    while (this.#waiting.length > 0) {
      await delay(LOOK_MS);
      const asked = [...this.#waiting];
      const held = (await this.#look(asked)) ?? this.#streams;
      const now = performance.now();
      const free: Waiting[] = [];
      const late: Waiting[] = [];
      const kept: Waiting[] = [];
      for (const waiting of asked) {
        if (!isHeld(waiting, held)) free.push(waiting);
        else if ((this.#deadlines.get(waiting) ?? 0) <= now) late.push(waiting);
        else kept.push(waiting);
      }
      const cameMeanwhile = this.#waiting.slice(asked.length);
      this.#waiting = [...kept, ...cameMeanwhile];
      // Nobody looks at a stream that nobody waits for.
      const stillHeld = kept.flatMap(streamsOf).filter((stream) => held.has(stream));
      this.#streams = new Set([...stillHeld, ...cameMeanwhile.flatMap(streamsOf)]);
      late.forEach(({ reject }) => reject(this.#error));
      this.#options.onFree(free);
    }
    this.#looking = false;
  }

  /** Undefined when the database cannot be asked. */
  async #look(batch: readonly Waiting[]): Promise<Set<string> | undefined> {
    try {
      return await this.#options.store.heldStreams(batch.flatMap(streamsOf));
    } catch {
      return undefined;
    }
  }
}

const streamsOf = ({ request }: Waiting): string[] => request.writes.map(({ streamId }) => streamId);
const isHeld = (waiting: Waiting, held: ReadonlySet<string>): boolean => streamsOf(waiting).some((stream) => held.has(stream));
