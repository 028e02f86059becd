import type { Database } from '../../verify/database.js';
import { messageDigest } from '../history/message-digest.js';
import { linesText } from './command-story.js';
import type { ClientEffect, DeadLetterFacts, OpenReservation, OrderFacts, ParkedStreamFacts, StockFacts } from './store-facts.js';

interface EffectRow {
  readonly streamId: string;
  readonly version: number;
  readonly type: ClientEffect['type'];
  readonly causationId: string;
  readonly commandId: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

type LetterRow = Omit<DeadLetterFacts, 'sha256'> & {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, readonly string[]>> | null;
};

/** What the checks ask of the event store: only of events, dead letters and parked streams, never of what the system keeps about commands. */
export class StoreQueries {
  constructor(private readonly database: Database) {}

  async *clientEffects(): AsyncGenerator<ClientEffect> {
    for await (const rows of this.database.stream<EffectRow>(
      `SELECT stream_id AS "streamId", version, type, causation_id AS "causationId", command_id AS "commandId", data
       FROM tidemark.events WHERE type IN ('OrderPlaced', 'OrderCancelled', 'StockReceived', 'StockAdjusted') ORDER BY position`,
    )) {
      for (const row of rows) yield effectOf(row);
    }
  }

  /** Orders, fulfilments and payments folded by order. Ranges of stream ids: '-' is followed by '.' bytewise. */
  async *orders(): AsyncGenerator<OrderFacts> {
    for await (const rows of this.database.stream<OrderFacts>(ORDERS)) yield* rows;
  }

  stock(): Promise<StockFacts[]> {
    return this.database.rows<StockFacts>(
      `SELECT substring(stream_id FROM 7) AS sku,
         coalesce(sum((data ->> 'quantity')::bigint) FILTER (WHERE type = 'StockReceived'), 0)::bigint AS received,
         coalesce(sum((data ->> 'delta')::bigint), 0)::bigint AS adjusted,
         coalesce(sum((data ->> 'quantity')::bigint) FILTER (WHERE type = 'StockShipped'), 0)::bigint AS shipped,
         coalesce(sum((data ->> 'quantity')::bigint) FILTER (WHERE type = 'StockReturned'), 0)::bigint AS returned
       FROM tidemark.events WHERE stream_id >= 'stock-' AND stream_id < 'stock.' GROUP BY stream_id`,
    );
  }

  openReservations(): Promise<OpenReservation[]> {
    return this.database.rows<OpenReservation>(
      `SELECT substring(stream_id FROM 7) AS sku, data ->> 'orderId' AS "orderId",
         sum(CASE type WHEN 'StockReserved' THEN 1 ELSE -1 END * (data ->> 'quantity')::bigint)::bigint AS pieces
       FROM tidemark.events
       WHERE stream_id >= 'stock-' AND stream_id < 'stock.' AND type IN ('StockReserved', 'StockReleased', 'StockShipped')
       GROUP BY stream_id, data ->> 'orderId'
       HAVING sum(CASE type WHEN 'StockReserved' THEN 1 ELSE -1 END * (data ->> 'quantity')::bigint) <> 0`,
    );
  }

  /** Of the bytes each was kept with only the digest: some are large. */
  async deadLetters(): Promise<DeadLetterFacts[]> {
    const letters: DeadLetterFacts[] = [];
    for await (const rows of this.database.stream<LetterRow>(
      `SELECT group_id AS group, topic, "partition", "offset"::text AS "offset", stream_id AS "streamId", code, state,
         ${ms('recorded_at')} AS "recordedAt", ${ms('resolved_at')} AS "resolvedAt", message_key AS key, message_value AS value, headers
       FROM tidemark.consumer_dead_letters
       UNION ALL
       SELECT 'outbox', NULL, NULL, position::text, stream_id, reason, 'held', ${ms('parked_at')}, NULL, NULL, NULL, NULL
       FROM tidemark.outbox_dead_letters`,
    )) {
      for (const row of rows) letters.push(letterOf(row));
    }
    return letters;
  }

  parkedStreams(): Promise<ParkedStreamFacts[]> {
    return this.database.rows<ParkedStreamFacts>(
      'SELECT group_id AS group, stream_id AS "streamId", code FROM tidemark.consumer_parked_streams',
    );
  }
}

function letterOf({ key, value, headers, ...letter }: LetterRow): DeadLetterFacts {
  return { ...letter, sha256: headers === null ? null : messageDigest({ key, value, headers: decodedHeaders(headers) }) };
}

/** Names and values are kept in base64. */
function decodedHeaders(headers: Readonly<Record<string, readonly string[]>>): Record<string, Buffer[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [
      Buffer.from(name, 'base64').toString(),
      values.map((value) => Buffer.from(value, 'base64')),
    ]),
  );
}

function effectOf({ data, ...row }: EffectRow): ClientEffect {
  const text = (name: string): string => String(data[name]);
  const nameOf = (name: string): string | null => (typeof data[name] === 'string' ? (data[name] as string) : null);
  switch (row.type) {
    case 'OrderPlaced': {
      const { id } = data['customer'] as { id: string };
      const lines = linesText(data['lines'] as Parameters<typeof linesText>[0]);
      return {
        ...row,
        key: nameOf('reference'),
        says: `${text('total')} ${text('currency')} for ${id} by ${text('paymentToken')}: ${lines}`,
      };
    }
    case 'OrderCancelled':
      return { ...row, key: nameOf('reason'), says: `cancels ${text('orderId')}` };
    case 'StockReceived':
      return { ...row, key: nameOf('reference'), says: `${text('quantity')} of ${text('sku')}` };
    case 'StockAdjusted':
      return { ...row, key: nameOf('reason'), says: `${text('delta')} of ${text('sku')}` };
  }
}

const ms = (what: string): string => `(extract(epoch FROM ${what}) * 1000)::bigint`;

const ORDERS = `
  SELECT coalesce(o.order_id, f.order_id, p.order_id) AS "orderId", o.status, o.rejection, o."placedAt", o."cancelledAt", o."cancelledFrom",
    f."startedAt", f."firstCompletedAt", f."completedAt", f.outcome, coalesce(f.parked > f.resumed, false) AS parked, coalesce(f.parked > 0, false) AS "everParked",
    coalesce(f."parkedTimes", '[]') AS "parkedTimes", p.payment
  FROM (
    SELECT substring(stream_id FROM 7) AS order_id,
      (array_agg(type ORDER BY version DESC))[1] AS status,
      ${ms(`min(recorded_at) FILTER (WHERE type = 'OrderPlaced')`)} AS "placedAt",
      ${ms(`min(recorded_at) FILTER (WHERE type = 'OrderCancelled')`)} AS "cancelledAt",
      max(data ->> 'cancelledFrom') FILTER (WHERE type = 'OrderCancelled') AS "cancelledFrom",
      max(data -> 'reason' ->> 'code') FILTER (WHERE type = 'OrderRejected') AS rejection
    FROM tidemark.events WHERE stream_id >= 'order-' AND stream_id < 'order.' GROUP BY stream_id
  ) AS o
  FULL JOIN (
    SELECT substring(stream_id FROM 12) AS order_id,
      ${ms(`min(recorded_at) FILTER (WHERE type = 'FulfilmentStarted')`)} AS "startedAt",
      ${ms(`min(recorded_at) FILTER (WHERE type = 'FulfilmentCompleted')`)} AS "firstCompletedAt",
      ${ms(`max(recorded_at) FILTER (WHERE type = 'FulfilmentCompleted')`)} AS "completedAt",
      jsonb_agg(${ms('recorded_at')} ORDER BY version)
        FILTER (WHERE type IN ('FulfilmentParked', 'FulfilmentResumed', 'FulfilmentResolved')) AS "parkedTimes",
      (array_agg(data ->> 'outcome' ORDER BY version DESC) FILTER (WHERE type = 'FulfilmentCompleted'))[1] AS outcome,
      coalesce(max(version) FILTER (WHERE type = 'FulfilmentParked'), 0) AS parked,
      coalesce(max(version) FILTER (WHERE type IN ('FulfilmentResumed', 'FulfilmentResolved')), 0) AS resumed
    FROM tidemark.events WHERE stream_id >= 'fulfilment-' AND stream_id < 'fulfilment.' GROUP BY stream_id
  ) AS f USING (order_id)
  FULL JOIN (
    SELECT substring(stream_id FROM 9) AS order_id,
      jsonb_build_object(
        'reference', max(data ->> 'reference') FILTER (WHERE type = 'PaymentRequested'),
        'amount', max((data ->> 'amount')::bigint) FILTER (WHERE type = 'PaymentRequested'),
        'currency', max(data ->> 'currency') FILTER (WHERE type = 'PaymentRequested'),
        'token', max(data ->> 'paymentToken') FILTER (WHERE type = 'PaymentRequested'),
        'captured', coalesce(sum((data ->> 'amount')::bigint) FILTER (WHERE type = 'PaymentCaptured'), 0),
        'refunded', coalesce(sum((data ->> 'amount')::bigint) FILTER (WHERE type = 'PaymentRefunded'), 0)
      ) AS payment
    FROM tidemark.events WHERE stream_id >= 'payment-' AND stream_id < 'payment.' GROUP BY stream_id
  ) AS p USING (order_id)`;
