import { RpcException } from '@nestjs/microservices';

export interface VersionGap {
  readonly streamId: string;
  /** The version that should have come next. */
  readonly expected: number;
  readonly received: number;
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
