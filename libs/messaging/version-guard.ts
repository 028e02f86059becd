import { RpcException } from '@nestjs/microservices';

/** What the guard looks at: any event with its place in its stream. */
export interface Versioned {
  readonly streamId: string;
  readonly version: number;
}

export interface VersionGap {
  readonly streamId: string;
  /** The version that should have come next. */
  readonly expected: number;
  readonly received: number;
}

export interface VersionSplit<Message extends Versioned> {
  /** In the order received; each the direct successor of what was applied or is before it here. */
  readonly fresh: Message[];
  /** Applied before, or twice in this batch. */
  readonly duplicates: Message[];
  /** First hole of each stream that has one; none of the stream's later messages are in `fresh`. */
  readonly gaps: VersionGap[];
}

/**
 * Sorts a batch by what was already applied. `lastVersions` holds the last applied version of each stream (missing: 0); it is read,
 * not changed. Duplicates are normal (at-least-once delivery); a gap means an event was lost or overtaken: throw {@link GapError}.
 */
export function splitByVersion<Message extends Versioned>(
  messages: readonly Message[],
  lastVersions: ReadonlyMap<string, number>,
): VersionSplit<Message> {
  const reached = new Map<string, number>();
  const gaps = new Map<string, VersionGap>();
  const fresh: Message[] = [];
  const duplicates: Message[] = [];
  for (const message of messages) {
    const { streamId, version } = message;
    const last = reached.get(streamId) ?? lastVersions.get(streamId) ?? 0;
    if (version <= last) {
      duplicates.push(message);
    } else if (version === last + 1) {
      fresh.push(message);
      reached.set(streamId, version);
    } else if (!gaps.has(streamId)) {
      gaps.set(streamId, { streamId, expected: last + 1, received: version });
    }
  }
  return { fresh, duplicates, gaps: [...gaps.values()] };
}

/**
 * Events are missing. The consumer stops the partition, reports itself unhealthy, tries again, and after a bounded time ends the
 * process: going on would show wrong figures as right ones. Passes through Nest unmasked for the same reason as PoisonEventError.
 */
export class GapError extends RpcException {
  constructor(readonly gaps: readonly VersionGap[]) {
    const [first] = gaps;
    super(
      first === undefined
        ? 'events are missing'
        : `events are missing in ${gaps.length} stream(s), e.g. ${first.streamId}: expected ${first.expected}, received ${first.received}`,
    );
    this.name = 'GapError';
  }

  override getError(): object {
    return this;
  }
}
