import type { StreamCategory } from '#domain';
import type { ProjectedEvent } from '../projection/projected-event.js';

/** Where a rebuild gets events from: the read face of the event store, upcast. (This library does not know the store itself.) */
export interface EventSource {
  /** Everything committed before the call, in order within each stream; `position` ascends. */
  readAll(options: {
    readonly categories: readonly StreamCategory[];
    readonly batchSize: number;
  }): AsyncIterable<readonly (ProjectedEvent & { readonly position: number })[]>;
  /** What came after a known version, by stream, in order. */
  readMany(
    wanted: readonly { readonly streamId: string; readonly afterVersion: number }[],
  ): Promise<Map<string, readonly ProjectedEvent[]>>;
  /** The highest committed position. */
  lastPosition(): Promise<number>;
}
