import type { Kernel } from '../kernel/kernel.js';
import type { OutboxEvent, OutboxSide } from './outbox-side.js';

interface Writing {
  readonly transactionId: number;
  readonly streamIds: readonly string[];
  readonly events: OutboxEvent[];
}

/** Names of streams with the shard they are in; two of them share one. */
const STREAMS: readonly (readonly [string, number])[] = [
  ['order-a', 0],
  ['order-b', 0],
  ['order-c', 3],
  ['order-d', 7],
  ['order-e', 11],
];

/** Messages above are refused by our producer. Bytes, with headers. */
export const MOST_MESSAGE_BYTES = 2_000;
const TOO_LARGE = 'x'.repeat(2_200);

/**
 * Who appends: transactions that draw their positions in one order and commit in another, stay open for long, or are undone. A stream is
 * written by one at a time, and a transaction has its id before it draws a position, as tidemark.append has it.
 */
export class Writers {
  private readonly open = new Set<Writing>();
  private readonly versions = new Map<string, number>();
  private nextTransactionId = 100;
  private nextPosition = 1;
  private nextEvent = 1;
  private left: number;

  constructor(
    private readonly kernel: Kernel,
    private readonly outbox: OutboxSide,
    /** After a commit, as the notification would. */
    private readonly onCommitted: () => void,
  ) {
    this.left = 5 + kernel.random.below(14);
    this.write();
  }

  get done(): boolean {
    return this.left === 0 && this.open.size === 0;
  }

  /** Below it all have ended. */
  get oldest(): number {
    return Math.min(this.nextTransactionId, ...[...this.open].map(({ transactionId }) => transactionId));
  }

  takeTransactionId(): number {
    this.nextTransactionId += 1;
    return this.nextTransactionId - 1;
  }

  private write(): void {
    const { random } = this.kernel;
    this.kernel.schedule('writer begins', undefined, () => this.begin(), random.chance(0.3) ? random.below(3_000) : random.below(40));
  }

  private begin(): void {
    const { random } = this.kernel;
    if (this.left > 0) this.left -= 1;
    if (this.left > 0) this.write();
    const free = STREAMS.filter(([streamId]) => ![...this.open].some(({ streamIds }) => streamIds.includes(streamId)));
    if (free.length === 0) return;
    const chosen = free.filter(() => random.chance(0.4));
    const streams = chosen.length > 0 ? chosen : [random.pick(free)];
    const writing: Writing = { transactionId: this.takeTransactionId(), streamIds: streams.map(([streamId]) => streamId), events: [] };
    this.open.add(writing);
    const draw = (): void => {
      for (const [streamId, shard] of streams) this.draw(writing, streamId, shard);
      this.kernel.schedule('writer ends', undefined, () => this.end(writing), this.openForMs());
    };
    this.kernel.schedule('writer draws positions', undefined, draw, random.below(20));
  }

  private draw({ events }: Writing, streamId: string, shard: number): void {
    const { random } = this.kernel;
    for (let count = 1 + random.below(3); count > 0; count -= 1) {
      const version = (this.versions.get(streamId) ?? 0) + 1 + events.filter((event) => event.streamId === streamId).length;
      events.push({
        position: this.nextPosition,
        shard,
        streamId,
        version,
        eventId: `00000000-0000-4000-8000-${String(this.nextEvent).padStart(12, '0')}`,
        data: JSON.stringify({ said: random.chance(0.03) ? TOO_LARGE : 'x'.repeat(random.below(400)) }),
        recordedAt: this.kernel.now,
      });
      this.nextPosition += 1;
      this.nextEvent += 1;
    }
  }

  private end(writing: Writing): void {
    this.open.delete(writing);
    if (this.kernel.random.chance(0.1)) return;
    for (const { streamId, version } of writing.events) this.versions.set(streamId, version);
    this.outbox.commit(writing.events);
    this.onCommitted();
  }

  private openForMs(): number {
    const { random } = this.kernel;
    return random.chance(0.15) ? random.below(6_000) : random.below(30);
  }
}
