import pg from 'pg';
import type { AppendRequest } from '#event-store';
import { closedLoop, type Contender } from '../harness/contender.js';
import { appendRequest, type AppendLoad } from './append-load.js';

/** As many round trips at once as GroupCommit has. */
const CONNECTIONS = 2;
const MOST_REQUESTS = 200;

/** The rows of an append and nothing else: no version is checked, no key looked up, no lock taken; positions are the identity's. */
const INSERT = `
  WITH request AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS r (id, stream_id, headers, body)
  ), command AS (
    INSERT INTO tidemark.commands (command_id, idempotency_key, fingerprint, name, actor, correlation_id, status, headers, body)
    SELECT id, id::text, 'fp', 'Bench', 'bench', id, 201, headers::jsonb, body::jsonb FROM request
  ), head AS (
    INSERT INTO tidemark.streams (stream_id, version) SELECT stream_id, $10 FROM request
  ), event AS (
    INSERT INTO tidemark.events (stream_id, version, event_id, type, schema_version, data, occurred_at, correlation_id, causation_id, actor,
                                 command_id)
    SELECT stream_id, version, event_id, type, 1, data::jsonb, occurred_at::timestamptz, command_id, command_id, 'bench', command_id
      FROM unnest($5::text[], $6::int[], $7::uuid[], $8::text[], $9::text[], $11::text[], $12::uuid[])
           AS e (stream_id, version, event_id, type, data, occurred_at, command_id)
    RETURNING position, stream_id
  )
  INSERT INTO tidemark.outbox (shard, position, stream_id)
  SELECT (hashtextextended(stream_id, 0) & 15)::smallint, position, stream_id FROM event`;

interface Waiting {
  readonly request: AppendRequest;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** The ceiling: those who wait share a round trip that inserts the rows of all of them. */
export async function open({ databaseUrl }: { readonly databaseUrl: string }): Promise<Contender<AppendLoad>> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: CONNECTIONS });
  const queue: Waiting[] = [];
  let running = 0;

  const pump = async (): Promise<void> => {
    if (running === CONNECTIONS || queue.length === 0) return;
    running += 1;
    const batch = queue.splice(0, MOST_REQUESTS);
    try {
      await insert(
        pool,
        batch.map(({ request }) => request),
      );
      for (const { done } of batch) done();
    } catch (error) {
      for (const { failed } of batch) failed(error);
    }
    running -= 1;
    void pump();
  };
  const append = (request: AppendRequest): Promise<void> =>
    new Promise((done, failed) => {
      queue.push({ request, done, failed });
      setImmediate(() => void pump());
    });
  return {
    round: ({ inFlight, events, ms }) => closedLoop(inFlight, ms, () => append(appendRequest(events))),
    close: () => pool.end(),
  };
}

async function insert(pool: pg.Pool, requests: readonly AppendRequest[]): Promise<void> {
  const writes = requests.map(({ writes: [write], command }) => ({ ...write!, command: command! }));
  const events = writes.flatMap(({ streamId, command, events: all }) =>
    all.map((event, index) => ({ ...event, streamId, command, index })),
  );
  await pool.query({
    name: 'raw-insert',
    text: INSERT,
    values: [
      writes.map(({ command }) => command.id),
      writes.map(({ streamId }) => streamId),
      writes.map(({ command }) => JSON.stringify(command.answer.headers)),
      writes.map(({ command }) => JSON.stringify(command.answer.body)),
      events.map(({ streamId }) => streamId),
      events.map(({ index }) => index + 1),
      events.map(({ id }) => id),
      events.map(({ type }) => type),
      events.map(({ data }) => JSON.stringify(data)),
      writes[0]!.events.length,
      events.map(({ occurredAt }) => occurredAt),
      events.map(({ command }) => command.id),
    ],
  });
}
