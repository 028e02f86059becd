import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import type { EventReader } from './event-reader.js';
import type { Snapshot } from './snapshot.js';

export interface LoadedStream<State> {
  readonly state: State;
  /** The last event folded into `state`; 0 for a stream that does not exist. */
  readonly version: number;
}

/** The part of a decider a loader needs. */
export interface Folding<State, Event> {
  readonly initialState: State;
  evolve(state: State, event: Event): State;
}

export interface SnapshotPolicy<State> {
  /** Raise it when the shape of the state changes: older snapshots are then ignored. */
  readonly schemaVersion: number;
  /** Offer a snapshot after so many events since the last one. */
  readonly every: number;
  /** State to JSON and back, where the state itself is not plain JSON. Default: as it is. */
  readonly encode?: (state: State) => unknown;
  readonly decode?: (stored: unknown) => State;
}

export interface StreamLoaderOptions<State, Event> {
  readonly reader: EventReader;
  readonly decider: Folding<State, Event>;
  /** Streams kept in memory. */
  readonly cacheSize: number;
  readonly snapshots?: SnapshotPolicy<State>;
}

interface Cached<State> extends LoadedStream<State> {
  /** Version of the newest snapshot known; 0 for none. */
  readonly snapshotVersion: number;
}

/**
 * Folded streams. A load starts from memory or else from a snapshot, and always reads what came after: it is as fresh as its query,
 * however many processes append. States are handed out as they are kept, so `evolve` must not change its input.
 */
export class StreamLoader<State extends object, Event> {
  readonly #options: StreamLoaderOptions<State, Event>;
  readonly #cache: LRUCache<string, Cached<State>>;
  readonly #due = new Map<string, Snapshot>();

  constructor(options: StreamLoaderOptions<State, Event>) {
    this.#options = options;
    this.#cache = new LRUCache({ max: options.cacheSize });
  }

  /** What a stream that does not exist folds to. */
  get initialState(): State {
    return this.#options.decider.initialState;
  }

  async load(streamId: string): Promise<LoadedStream<State>> {
    return (await this.loadMany([streamId])).get(streamId) as LoadedStream<State>;
  }

  /**
   * Many streams with one query (two when some are not in memory and there may be snapshots). With a `client` the read is part of the
   * caller's transaction and, since that may have written and may yet roll back, nothing is kept: `remember` after the commit.
   */
  async loadMany(streamIds: readonly string[], client?: pg.PoolClient): Promise<Map<string, LoadedStream<State>>> {
    const { reader, decider } = this.#options;
    const ids = [...new Set(streamIds)];
    const bases = await this.#bases(ids, client);
    const news = await reader.readMany(
      ids.map((streamId) => ({ streamId, afterVersion: bases.get(streamId)?.version ?? 0 })),
      client,
    );
    const loaded = new Map<string, LoadedStream<State>>();
    for (const streamId of ids) {
      const base = bases.get(streamId);
      let state = base?.state ?? decider.initialState;
      let version = base?.version ?? 0;
      for (const event of news.get(streamId) ?? []) {
        state = decider.evolve(state, event as Event);
        version = event.version;
      }
      loaded.set(streamId, { state, version });
      if (client === undefined) this.#keep(streamId, { state, version, snapshotVersion: base?.snapshotVersion ?? 0 });
    }
    return loaded;
  }

  /** What memory holds, without asking the database: good enough to decide on, since append refuses a stale version. */
  cached(streamId: string): LoadedStream<State> | undefined {
    return this.#cache.get(streamId);
  }

  /** Keeps a state whose events are committed. An older version than the one in memory is ignored. */
  remember(streamId: string, version: number, state: State): void {
    this.#keep(streamId, { state, version, snapshotVersion: this.#cache.peek(streamId)?.snapshotVersion ?? 0 });
  }

  forget(streamId: string): void {
    this.#cache.delete(streamId);
    this.#due.delete(streamId);
  }

  /** Takes the snapshots that have become due; the caller saves them (`EventStore.saveSnapshots`) whenever it suits, or never. */
  dueSnapshots(): Snapshot[] {
    const due = [...this.#due.values()];
    this.#due.clear();
    return due;
  }

  async #bases(ids: readonly string[], client: pg.PoolClient | undefined): Promise<Map<string, Cached<State>>> {
    const bases = new Map<string, Cached<State>>();
    const unknown: string[] = [];
    for (const streamId of ids) {
      const cached = this.#cache.get(streamId);
      if (cached === undefined) unknown.push(streamId);
      else bases.set(streamId, cached);
    }
    const policy = this.#options.snapshots;
    if (policy === undefined || unknown.length === 0) return bases;
    for (const [streamId, { version, schemaVersion, state }] of await this.#options.reader.loadSnapshots(unknown, client)) {
      if (schemaVersion !== policy.schemaVersion) continue;
      const decoded = policy.decode === undefined ? (state as State) : policy.decode(state);
      bases.set(streamId, { state: decoded, version, snapshotVersion: version });
    }
    return bases;
  }

  #keep(streamId: string, loaded: Cached<State>): void {
    const known = this.#cache.peek(streamId);
    if (known !== undefined && known.version > loaded.version) return;
    const policy = this.#options.snapshots;
    if (policy === undefined || loaded.version - loaded.snapshotVersion < policy.every) {
      this.#cache.set(streamId, loaded);
      return;
    }
    const state = policy.encode === undefined ? loaded.state : policy.encode(loaded.state);
    this.#due.set(streamId, { streamId, version: loaded.version, schemaVersion: policy.schemaVersion, state });
    this.#cache.set(streamId, { ...loaded, snapshotVersion: loaded.version });
  }
}
