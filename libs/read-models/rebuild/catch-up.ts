import type { ClientBase } from 'pg';
import type { ProjectionWriter } from '../projection/projection-writer.js';
import type { EventSource } from './event-source.js';

/** Streams whose missing events are held in memory at once. */
const STREAMS_AT_ONCE = 500;

export interface Behind {
  readonly streamId: string;
  /** Last version in the live tables; 0 when they do not know the stream. */
  readonly live: number;
  readonly rebuilt: number;
}

/** Streams at which the live checkpoints and those of `schema` stand differently. */
export async function differingStreams(client: ClientBase, projection: string, schema: string): Promise<Behind[]> {
  const { rows } = await client.query<Behind>(
    `SELECT stream_id AS "streamId", coalesce(l.version, 0) AS live, coalesce(r.version, 0) AS rebuilt
     FROM (SELECT stream_id, version FROM read.projection_positions WHERE projection = $1) l
     FULL JOIN (SELECT stream_id, version FROM ${schema}.projection_positions WHERE projection = $1) r USING (stream_id)
     WHERE l.version IS DISTINCT FROM r.version`,
    [projection],
  );
  return rows;
}

/**
 * Gives writers what they miss of these streams: the same events to each, so that all end at the same versions whatever the store
 * gets meanwhile. What one has already, its version guard drops.
 */
export async function bringLevel(
  client: ClientBase,
  source: Pick<EventSource, 'readMany'>,
  streams: readonly Behind[],
  writers: readonly Pick<ProjectionWriter, 'apply'>[],
): Promise<void> {
  for (let i = 0; i < streams.length; i += STREAMS_AT_ONCE) {
    const wanted = streams
      .slice(i, i + STREAMS_AT_ONCE)
      .map(({ streamId, live, rebuilt }) => ({ streamId, afterVersion: Math.min(live, rebuilt) }));
    const events = [...(await source.readMany(wanted)).values()].flat();
    for (const writer of writers) await writer.apply(client, events);
  }
}
