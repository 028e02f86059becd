import {
  evolveFulfilment,
  initialFulfilment,
  isDomainEventType,
  orderDecider,
  parseStreamId,
  paymentDecider,
  STOCK_STATE_VERSION,
  stockDecider,
  type DomainEvent,
  type StreamCategory,
} from '#domain';
import type { EventReader, StoredEvent, StreamRange } from '#event-store/read';

interface Fold {
  readonly initialState: unknown;
  /** Shape of the states that the write side keeps as snapshots; undefined where it keeps none. */
  readonly snapshotVersion?: number;
  evolve(state: never, event: never): unknown;
}

/** How each kind of stream is folded: by the very functions that decide on it. */
const FOLDS: Readonly<Record<StreamCategory, Fold>> = {
  order: orderDecider,
  stock: { ...stockDecider, snapshotVersion: STOCK_STATE_VERSION },
  payment: paymentDecider,
  fulfilment: { initialState: initialFulfilment, evolve: evolveFulfilment },
};

/** A stream folded up to one of its versions; version 0 is the state before its first event. */
export interface StreamState {
  readonly version: number;
  readonly state: unknown;
  /** The last event folded; null at version 0. */
  readonly last: StoredEvent | null;
}

/** Events a page while folding: a stream of any length is never held as a whole. */
const PAGE = 1_000;

/**
 * States of streams at versions or times, from the events alone: a snapshot is not evidence. Whoever only wants to look may begin at one
 * all the same ({@link StreamStates.snapshot}).
 */
export class StreamStates {
  constructor(private readonly reader: EventReader) {}

  /** The write side's own snapshot, unless it is newer than `version` or of another shape than today's states. */
  async snapshot(streamId: string, version: number): Promise<StreamState | undefined> {
    const kept = (await this.reader.loadSnapshots([streamId])).get(streamId);
    if (kept === undefined || kept.version > version || kept.schemaVersion !== foldOf(streamId).snapshotVersion) return undefined;
    const [last = null] = await this.reader.readStream(streamId, { fromVersion: kept.version, toVersion: kept.version });
    return { version: kept.version, state: kept.state, last };
  }

  /** `range` says how far: `toVersion`, or `until` by server time. `from` continues an earlier fold of the same stream. */
  async at(streamId: string, range: Pick<StreamRange, 'toVersion' | 'until'> = {}, from?: StreamState): Promise<StreamState> {
    const fold = foldOf(streamId);
    let { version, state, last } = from ?? { version: 0, state: fold.initialState, last: null };
    for await (const page of eventPages(this.reader, streamId, { ...range, fromVersion: version + 1 })) {
      for (const event of page) {
        state = fold.evolve(state as never, known(event) as never);
        ({ version } = event);
        last = event;
      }
    }
    return { version, state, last };
  }
}

function foldOf(streamId: string): Fold {
  const category = parseStreamId(streamId)?.category;
  if (category === undefined) throw new Error(`no category: ${streamId}`);
  return FOLDS[category];
}

/** A stream page by page. */
export async function* eventPages(
  reader: EventReader,
  streamId: string,
  range: StreamRange,
  size = PAGE,
): AsyncGenerator<StoredEvent[], void, undefined> {
  for (let fromVersion = range.fromVersion ?? 1; ;) {
    const page = await reader.readStream(streamId, { ...range, fromVersion, limit: size });
    if (page.length > 0) yield page;
    if (page.length < size) return;
    fromVersion = page.at(-1)!.version + 1;
  }
}

function known({ type, data, streamId, version }: StoredEvent): DomainEvent {
  // Written by a newer release: folding past it would show a state that never was.
  if (!isDomainEventType(type)) throw new Error(`unknown event type ${type} at ${streamId}@${version}`);
  return { type, data };
}
