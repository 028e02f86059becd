import { randomBytes, randomUUID } from 'node:crypto';
import { stockDecider, type StockEvent } from '#domain';
import { EventReader, EventStore, GroupCommit, StreamLoader, type AppendRequest } from '#event-store';
import pg from 'pg';
import { DATA, OCCURRED_AT } from '../append/append-load.js';
import { closedLoop, latencyOf, type Contender, type Measure } from '../harness/contender.js';
import { streamNumber } from './bulk-events.js';

export type ExistingLoad =
  /** Appends an event each to so many streams, one at a time to each stream; `padding` bytes more than an event has. */
  | { readonly kind: 'append'; readonly inFlight: number; readonly streams: number; readonly padding: number; readonly ms: number }
  /** Folds one stream from its rows, or from its snapshot and what came after it. */
  | { readonly kind: 'load'; readonly stream: number; readonly snapshot: boolean; readonly times: number };

/** Appends to streams that are there, and loads them, with the classes the applications use. */
export async function open({ databaseUrl }: { readonly databaseUrl: string }): Promise<Contender<ExistingLoad>> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 });
  const store = new EventStore({ pool });
  const reader = new EventReader({ pool });
  const commits = new GroupCommit({ store });
  const versions = new Map<string, number>();

  const append = async (streamId: string, padding: string): Promise<void> => {
    const version = versions.get(streamId) ?? (await reader.head(streamId));
    const verdict = await commits.append(request(streamId, version, padding));
    if (verdict.outcome !== 'appended') throw new Error(`unexpected verdict ${verdict.outcome} about ${streamId}`);
    versions.set(streamId, version + 1);
  };

  const appendRound = async ({ inFlight, streams, padding, ms }: Extract<ExistingLoad, { kind: 'append' }>): Promise<Measure> => {
    const free = Array.from({ length: Math.min(inFlight, streams) }, (_, caller) => caller);
    // Nothing a database could compress.
    const more = randomBytes(padding).toString('base64').slice(0, padding);
    // Each caller has streams of its own, far apart, so that none is appended to twice at once.
    return await closedLoop(free.length, ms, async () => {
      const caller = free.shift()!;
      const mine = Math.floor(streams / (inFlight > streams ? streams : inFlight));
      await append(streamNumber(caller * mine + Math.floor(Math.random() * mine)), more);
      free.push(caller);
    });
  };

  const loadRound = async ({ stream, snapshot, times }: Extract<ExistingLoad, { kind: 'load' }>): Promise<Measure> => {
    const took: number[] = [];
    const startedAt = performance.now();
    for (let time = 0; time < times; time += 1) {
      const begun = performance.now();
      const loader = new StreamLoader<ReturnType<typeof stockDecider.evolve>, StockEvent>({
        reader,
        decider: stockDecider,
        cacheSize: 1,
        ...(snapshot && { snapshots: { schemaVersion: 1, every: 200 } }),
      });
      await loader.load(streamNumber(stream));
      took.push(performance.now() - begun);
      if (snapshot) await store.saveSnapshots(loader.dueSnapshots());
    }
    return { perSecond: (1_000 * times) / (performance.now() - startedAt), latency: latencyOf(took) };
  };

  return {
    round: (load) => (load.kind === 'append' ? appendRound(load) : loadRound(load)),
    close: async () => {
      await commits.close();
      await pool.end();
    },
  };
}

function request(streamId: string, expectedVersion: number, padding: string): AppendRequest {
  const id = randomUUID();
  const event = { id: randomUUID(), type: 'StockReceived', schemaVersion: 1, data: { ...DATA, padding }, occurredAt: OCCURRED_AT };
  return {
    writes: [{ streamId, expectedVersion, events: [event] }],
    metadata: { correlationId: id, causationId: id, actor: 'bench', commandId: id, traceparent: null },
    command: { id, name: 'Bench', idempotencyKey: id, fingerprint: 'fp', answer: { status: 201, headers: { etag: '"1"' }, body: { id } } },
  };
}
