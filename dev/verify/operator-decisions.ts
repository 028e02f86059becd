import type { Database } from './database.js';
import { placeOf, type TopicRecord } from './topic-records.js';

/**
 * What operators decided about messages, so that checks can tell it from what went wrong: events that are never to be published, and
 * records on the topics that are none of ours and were given up by a consumer.
 */
export class OperatorDecisions {
  private constructor(
    private readonly database: Database | undefined,
    /** Event id by version, by stream. */
    private readonly unpublished: ReadonlyMap<string, ReadonlyMap<number, string>>,
    private readonly discarded: ReadonlySet<string>,
  ) {}

  static readonly none = new OperatorDecisions(undefined, new Map(), new Set());

  static async of(database: Database): Promise<OperatorDecisions> {
    const unpublished = new Map<string, Map<number, string>>();
    for (const { stream, version, id } of await database.rows<{ stream: string; version: number; id: string }>(
      `SELECT stream_id AS stream, version, event_id AS id FROM tidemark.dead_letter_actions WHERE action = 'discarded'`,
    )) {
      unpublished.set(stream, (unpublished.get(stream) ?? new Map<number, string>()).set(version, id));
    }
    const places = await database.rows<{ topic: string; partition: number; offset: string }>(
      `SELECT DISTINCT topic, "partition", "offset"::text AS "offset" FROM tidemark.consumer_dead_letters WHERE state = 'discarded'`,
    );
    return new OperatorDecisions(database, unpublished, new Set(places.map(placeOf)));
  }

  /** The id of an event that an operator took out of the outbox for good. */
  unpublishedAt(streamId: string, version: number): string | undefined {
    return this.unpublished.get(streamId)?.get(version);
  }

  /** A record that an operator discarded and that is no event of the store; one that is must count as published, whoever could not take it. */
  async isGivenUp(record: TopicRecord): Promise<boolean> {
    if (this.database === undefined || !this.discarded.has(placeOf(record))) return false;
    const { streamId, version, eventId } = record;
    if (streamId === null || version === null || eventId === null) return true;
    const stored = await this.database.rows(
      'SELECT FROM tidemark.events WHERE stream_id = $1 AND version = $2::bigint AND event_id::text = lower($3)',
      [streamId.replaceAll('\0', ''), version, eventId.replaceAll('\0', '')],
    );
    return stored.length === 0;
  }
}
