import { parseStreamId, type StreamCategory } from '#domain';
import type { ProjectedEvent } from '../projection/projected-event.js';
import type { EventSource } from '../rebuild/event-source.js';

/** The event store as rebuilds see it, held in an array. */
export class MemoryEventSource implements EventSource {
  readonly events: (ProjectedEvent & { readonly position: number })[] = [];

  append(events: readonly ProjectedEvent[]): void {
    for (const event of events) this.events.push({ ...event, position: this.events.length + 1 });
  }

  async *readAll({ categories, batchSize }: { categories: readonly StreamCategory[]; batchSize: number }) {
    const all = this.events.filter(({ streamId }) => categories.includes(parseStreamId(streamId)!.category));
    for (let from = 0; from < all.length; from += batchSize) yield all.slice(from, from + batchSize);
  }

  async readMany(wanted: readonly { streamId: string; afterVersion: number }[]): Promise<Map<string, ProjectedEvent[]>> {
    return new Map(
      wanted.map(({ streamId, afterVersion }) => [
        streamId,
        this.events.filter((event) => event.streamId === streamId && event.version > afterVersion),
      ]),
    );
  }

  async lastPosition(): Promise<number> {
    return this.events.length;
  }
}
