import { Readable } from 'node:stream';
import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { DataSource, MoreThan } from 'typeorm';
import { streamId } from '#domain';
import { platformProblem } from '#platform';
import { OrderHistoryRow } from '#read-models';
import type { ProjectionWaiter } from '../reading/projection-waiter.js';
import { queryProblem } from '../reading/query-problems.js';
import { Read } from '../reading/read.js';
import { StreamAnswer } from '../reading/stream-answer.js';
import { orderHistoryEntry } from './order.answers.js';

/** An order's changes of status after a version, and then as they happen, as server-sent events. */
export class FollowOrder extends Read<StreamAnswer> {
  readonly sources = ['orders'] as const;

  constructor(
    readonly orderId: string,
    readonly afterVersion: number,
  ) {
    super();
  }
}

/** The waiter that live answers share: patient ones, so it looks less often than the one for consistency tokens. */
export const LIVE_WAITER = Symbol('live waiter');

/** Milliseconds between two signs of life: proxies give up on a silent answer after half a minute or more. */
const HEARTBEAT_MS = 15_000;
/** Milliseconds one answer may last; the browser asks again by itself and continues after the last event it had. */
const LIFETIME_MS = 600_000;
const RECONNECT_MS = 2_000;

/**
 * Nest's own `@Sse` has no heartbeat and keeps going when the client has left. Here the client's leaving ends the wait and
 * with it the stream; and the stop of the process ends every stream, so that none holds it up.
 */
@QueryHandler(FollowOrder)
export class FollowOrderHandler implements IQueryHandler<FollowOrder> {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(LIVE_WAITER) private readonly waiter: ProjectionWaiter,
  ) {}

  async execute({ orderId, afterVersion }: FollowOrder): Promise<StreamAnswer> {
    if (this.waiter.full) throw platformProblem('overloaded', 'Too many live answers are open.', {}, { 'Retry-After': '5' });
    const known = await this.changes(orderId, 0);
    if (known.length === 0) {
      throw queryProblem('order.not-found', 'Not in the read model (yet): give the consistency token of the command to wait for it.');
    }
    const gone = new AbortController();
    const stream = Readable.from(this.events(orderId, afterVersion, gone.signal), { objectMode: false, highWaterMark: 1 });
    return new StreamAnswer(stream, 'text/event-stream', gone);
  }

  private async *events(orderId: string, afterVersion: number, gone: AbortSignal): AsyncGenerator<string, void, undefined> {
    const endsAt = performance.now() + LIFETIME_MS;
    let version = afterVersion;
    yield `retry: ${RECONNECT_MS}\n\n`;
    while (!gone.aborted && performance.now() < endsAt) {
      for (const row of await this.changes(orderId, version)) {
        ({ version } = row);
        yield `id: ${version}\nevent: status\ndata: ${JSON.stringify(orderHistoryEntry(row))}\n\n`;
      }
      // No room to wait, or stopping: the client comes back by itself.
      if (this.waiter.full) return;
      const lack = await this.waiter.wait('orders', { streamId: streamId('order', orderId), version: version + 1 }, HEARTBEAT_MS, gone);
      if (lack !== undefined) yield ': nothing new\n\n';
    }
  }

  private changes(orderId: string, afterVersion: number): Promise<OrderHistoryRow[]> {
    const where = { orderId, version: MoreThan(afterVersion) };
    return this.dataSource.getRepository(OrderHistoryRow).find({ where, order: { version: 'ASC' } });
  }
}
