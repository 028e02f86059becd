import type { FulfilmentAction } from '#domain';
import type { Matching } from '#platform';
import type { Pool, PoolClient } from 'pg';
import { LONGEST_BACKOFF_MS } from './gateway-backoff.js';

/** An action some process owes a fulfilment, and the event it follows from. */
export interface DueWork {
  readonly orderId: string;
  readonly correlationId: string;
  readonly causationId: string;
}

export interface ScheduledWork extends DueWork {
  /** Milliseconds from now, by the database's clock. */
  readonly dueInMs: number;
  readonly action: FulfilmentAction;
  /** It has not left, and leaves when the row is due; otherwise it is under way, and the row due when it has taken too long. */
  readonly waits: boolean;
}

/** As it was before it was claimed. */
export interface ClaimedWork extends DueWork {
  /** {@link owedName} of the action; null when the row was claimed before. */
  readonly owed: string | null;
  readonly waits: boolean;
}

/** An action that is under way: it follows from that event. */
export type Leased = Pick<DueWork, 'orderId' | 'causationId'>;

/** Tells apart the actions of one fulfilment; null when nothing is owed. */
export const actionName = (action: FulfilmentAction): string | null =>
  action.kind === 'send' || action.kind === 'look-up' ? `${action.kind} ${action.operation} ${action.attempt}` : null;

/**
 * The name of an action and of the event it follows from: an earlier release that moves the order on leaves the name as it was, and it is
 * then seen to be of another event.
 */
export const owedName = (action: FulfilmentAction, causationId: string): string =>
  `${actionName(action) ?? 'nothing'} after ${causationId}`;

export interface ParkedWork extends DueWork {
  readonly step: string;
  readonly code: string;
  readonly detail: string;
}

export interface ParkedFulfilment {
  readonly orderId: string;
  readonly step: string;
  readonly code: string;
  readonly detail: string;
  /** ISO 8601 UTC. */
  readonly parkedAt: string;
  /** Since then. */
  readonly seconds: number;
  readonly correlationId: string;
}

/** Every criterion given must hold. */
export interface ParkedFilter {
  readonly step?: string;
  readonly code?: string;
  /** Parked at this time or later, ISO 8601. */
  readonly from?: string;
  /** Parked before this time, ISO 8601. */
  readonly to?: string;
}

interface Backlog {
  readonly open: number;
  readonly parked: number;
  /** Between two attempts at the gateway. */
  readonly waiting: number;
  readonly overdueSeconds: number;
}

/** What waits for an operator, by reason, for how long, and whether it grows. */
export interface ParkedFigures {
  readonly parked: number;
  readonly byCode: Readonly<Record<string, number>>;
  /** Since the oldest was parked; 0 when there is none. */
  readonly oldestSeconds: number;
  /** Of those, parked within the last hour. */
  readonly lastHour: number;
}

/** $1 to $4: see criteriaOf. */
const MATCHES = `parked_at IS NOT NULL AND ($1::text IS NULL OR parked_step = $1) AND ($2::text IS NULL OR parked_code = $2)
  AND ($3::timestamptz IS NULL OR parked_at >= $3) AND ($4::timestamptz IS NULL OR parked_at < $4)`;

const criteriaOf = ({ step, code, from, to }: ParkedFilter): (string | null)[] => [step, code, from, to].map((each) => each ?? null);

/** No process leases for so many times as long as another, nor waits for so many times the longest wait: a deploy may change either. */
const NO_LEASE = 4;

/**
 * The durable timers of the saga (table tidemark.fulfilment_work).
 * - A row is written in the transaction that decided its action: there is no action without a row, also after a crash.
 * - All times are the database's, so that clocks of processes that differ or jump change nothing; and its own may jump too: see claim.
 */
export class FulfilmentWork {
  constructor(private readonly pool: Pool) {}

  async schedule(client: PoolClient, work: readonly ScheduledWork[]): Promise<void> {
    if (work.length === 0) return;
    await client.query({
      name: 'fulfilment-work-schedule',
      text: `
        INSERT INTO tidemark.fulfilment_work AS w (order_id, due_at, correlation_id, causation_id, action, waits)
        SELECT order_id, clock_timestamp() + due_in * interval '1 millisecond', correlation_id, causation_id, action, waits
          FROM unnest($1::text[], $2::float8[], $3::text[], $4::text[], $5::text[], $6::boolean[])
               AS t (order_id, due_in, correlation_id, causation_id, action, waits)
         ORDER BY order_id
        ON CONFLICT (order_id) DO UPDATE
          SET due_at = excluded.due_at, correlation_id = excluded.correlation_id, causation_id = excluded.causation_id,
              action = excluded.action, waits = excluded.waits,
              parked_step = NULL, parked_code = NULL, parked_detail = NULL, parked_at = NULL`,
      values: [
        work.map((row) => row.orderId),
        work.map((row) => row.dueInMs),
        work.map((row) => row.correlationId),
        work.map((row) => row.causationId),
        work.map((row) => owedName(row.action, row.causationId)),
        work.map((row) => row.waits),
      ],
    });
  }

  async park(client: PoolClient, work: readonly ParkedWork[]): Promise<void> {
    if (work.length === 0) return;
    await client.query({
      name: 'fulfilment-work-park',
      text: `
        INSERT INTO tidemark.fulfilment_work AS w
               (order_id, correlation_id, causation_id, parked_step, parked_code, parked_detail, parked_at)
        SELECT t.*, clock_timestamp()
          FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS t
        ON CONFLICT (order_id) DO UPDATE
          SET due_at = NULL, action = NULL, waits = false, parked_step = excluded.parked_step, parked_code = excluded.parked_code,
              parked_detail = excluded.parked_detail, parked_at = excluded.parked_at`,
      values: [
        work.map((row) => row.orderId),
        work.map((row) => row.correlationId),
        work.map((row) => row.causationId),
        work.map((row) => row.step),
        work.map((row) => row.code),
        work.map((row) => row.detail),
      ],
    });
  }

  async finish(client: PoolClient, orderIds: readonly string[]): Promise<void> {
    if (orderIds.length === 0) return;
    await client.query({
      name: 'fulfilment-work-finish',
      text: 'DELETE FROM tidemark.fulfilment_work WHERE order_id = ANY($1)',
      values: [orderIds],
    });
  }

  /**
   * Takes what is due and leases it to the caller, for as long as the transaction of `client` goes through. Rows another process is taking
   * right now are left to it.
   */
  async claim(client: Pick<PoolClient, 'query'>, limit: number, leaseMs: number): Promise<ClaimedWork[]> {
    const { rows } = await client.query<ClaimedWork>({
      name: 'fulfilment-work-claim',
      // statement_timestamp() is one value for the whole statement, so that the index on due_at finds what is due: 0.1 ms instead of 180 with
      // 100,000 rows that are not.
      text: `
        UPDATE tidemark.fulfilment_work AS w
           SET due_at = clock_timestamp() + $2 * interval '1 millisecond', action = NULL, waits = false
          FROM (SELECT order_id, action, waits FROM tidemark.fulfilment_work
                 WHERE due_at <= statement_timestamp() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED) AS due
         WHERE w.order_id = due.order_id
        RETURNING w.order_id AS "orderId", w.correlation_id AS "correlationId", w.causation_id AS "causationId",
                  due.action AS owed, due.waits AS waits`,
      values: [limit, leaseMs],
    });
    return rows;
  }

  /**
   * Makes due what is due much later than any lease or wait lasts: it was written before the database's clock went back. Too early costs a
   * question to the gateway, or a shorter wait.
   */
  async pullBack(leaseMs: number): Promise<void> {
    await this.pool.query({
      name: 'fulfilment-work-pull-back',
      text: `
        UPDATE tidemark.fulfilment_work SET due_at = statement_timestamp()
         WHERE due_at > statement_timestamp() + $1 * interval '1 millisecond'`,
      values: [NO_LEASE * Math.max(leaseMs, LONGEST_BACKOFF_MS)],
    });
  }

  /** Keeps the leases of actions still under way; a row that is about another action by now keeps its time. */
  async renew(leased: readonly Leased[], leaseMs: number): Promise<void> {
    if (leased.length === 0) return;
    await this.pool.query({
      name: 'fulfilment-work-renew',
      text: `
        UPDATE tidemark.fulfilment_work AS w SET due_at = clock_timestamp() + $3 * interval '1 millisecond'
          FROM unnest($1::text[], $2::text[]) AS t (order_id, causation_id)
         WHERE w.order_id = t.order_id AND w.causation_id = t.causation_id AND w.due_at IS NOT NULL AND NOT w.waits`,
      values: [leased.map(({ orderId }) => orderId), leased.map(({ causationId }) => causationId), leaseMs],
    });
  }

  /** Oldest first. */
  async listParked(limit: number, filter: ParkedFilter = {}): Promise<ParkedFulfilment[]> {
    const { rows } = await this.pool.query<ParkedFulfilment>(
      `SELECT order_id AS "orderId", parked_step AS step, parked_code AS code, parked_detail AS detail,
              to_char(parked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "parkedAt",
              greatest(extract(epoch FROM clock_timestamp() - parked_at), 0)::int AS seconds, correlation_id AS "correlationId"
         FROM tidemark.fulfilment_work WHERE ${MATCHES} ORDER BY parked_at, order_id LIMIT $5`,
      [...criteriaOf(filter), limit],
    );
    return rows;
  }

  /** Parked fulfilments that match behind an order id, in order of these: how many there are, and the first of them. */
  async matchingParked(filter: ParkedFilter, after: string, limit: number): Promise<Matching> {
    const { rows } = await this.pool.query<{ orderId: string; matched: number }>(
      `SELECT order_id AS "orderId", (count(*) OVER ())::int AS matched FROM tidemark.fulfilment_work
        WHERE ${MATCHES} AND order_id COLLATE "C" > $5 ORDER BY order_id COLLATE "C" LIMIT $6`,
      [...criteriaOf(filter), after, limit],
    );
    return { matched: rows[0]?.matched ?? 0, subjects: rows.map(({ orderId }) => orderId), last: rows.at(-1)?.orderId ?? null };
  }

  async parkedFigures(): Promise<ParkedFigures> {
    const { rows } = await this.pool.query<{ code: string | null; parked: number; seconds: number | null; lastHour: number }>(
      `SELECT parked_code AS code, count(*)::int AS parked,
              greatest(extract(epoch FROM clock_timestamp() - min(parked_at)), 0)::float8 AS seconds,
              (count(*) FILTER (WHERE parked_at > clock_timestamp() - interval '1 hour'))::int AS "lastHour"
         FROM tidemark.fulfilment_work WHERE parked_at IS NOT NULL GROUP BY ROLLUP (parked_code)`,
    );
    const total = rows.find(({ code }) => code === null);
    return {
      parked: total?.parked ?? 0,
      byCode: Object.fromEntries(rows.flatMap(({ code, parked }) => (code === null ? [] : [[code, parked]]))),
      oldestSeconds: Math.round(total?.seconds ?? 0),
      lastHour: total?.lastHour ?? 0,
    };
  }

  /** How many fulfilments are open, how many of them parked or waiting, and by how many seconds the oldest due action is late. */
  async backlog(): Promise<Backlog> {
    const { rows } = await this.pool.query<Backlog>(
      `SELECT count(*)::int AS open, count(parked_at)::int AS parked, (count(*) FILTER (WHERE waits))::int AS waiting,
              coalesce(greatest(extract(epoch FROM clock_timestamp() - min(due_at)), 0), 0)::float8 AS "overdueSeconds"
         FROM tidemark.fulfilment_work`,
    );
    return rows[0] ?? { open: 0, parked: 0, waiting: 0, overdueSeconds: 0 };
  }
}
