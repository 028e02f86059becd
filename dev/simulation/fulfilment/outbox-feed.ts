import { encode } from '#messaging';
import type { Kernel } from '../kernel/kernel.js';
import type { MemoryKafka } from '../kafka/memory-kafka.js';
import type { EventStoreSide, StoredRow } from './event-store-side.js';

export const PARTITIONS = 2;

/** What the relay does, seen from outside: every order event reaches its topic, each stream in order, now late and now twice. */
export class OutboxFeed {
  private readonly published = new Map<string, number>();
  private waiting = false;

  constructor(
    private readonly kernel: Kernel,
    private readonly kafka: MemoryKafka,
    private readonly store: EventStoreSide,
  ) {
    store.events.onChange = () => this.wake();
  }

  get isBehind(): boolean {
    return this.waiting;
  }

  private wake(): void {
    if (this.waiting) return;
    this.waiting = true;
    const { random } = this.kernel;
    this.kernel.schedule('relay', undefined, () => this.publish(), random.chance(0.1) ? random.below(5_000) : random.below(40));
  }

  private publish(): void {
    this.waiting = false;
    const { random } = this.kernel;
    for (const [id, events] of this.store.committedOf('order')) {
      const done = this.published.get(id) ?? 0;
      if (done >= events.length) continue;
      // What a relay sent before it died, its successor sends again.
      const from = random.chance(0.15) ? random.below(done + 1) : done;
      for (const event of events.slice(from)) this.send(event);
      this.published.set(id, events.length);
    }
  }

  private send(event: StoredRow): void {
    const { key, value, headers } = encode({ ...event, commandId: null, traceparent: null });
    const partition = Number.parseInt(event.streamId.slice(-2), 16) % PARTITIONS;
    const bytes = Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, Buffer.from(header as string)]));
    this.kafka.append('tidemark.order', partition, { key: Buffer.from(key as string), value, headers: bytes });
  }
}
