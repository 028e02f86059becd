import pg from 'pg';
import { BinaryArray, type AppendRequest } from '#event-store';
import { closedLoop, type Contender } from '../harness/contender.js';
import { appendRequest, type AppendLoad } from './append-load.js';

/** As many round trips at once as GroupCommit has. */
const CONNECTIONS = 2;
const MOST_REQUESTS = 200;

const { integers, jsonbs, texts, times, uuids } = BinaryArray;

/** The rows of an append and nothing else: no version is checked, no key looked up, no lock taken; positions are the identity's. */
const insertOf = (command: boolean): string => `
  WITH ${command ? COMMANDS : ''} head AS (
    INSERT INTO tidemark.streams (stream_id, version) SELECT stream_id, $1 FROM unnest($2::text[]) AS s (stream_id)
  ), event AS (
    INSERT INTO tidemark.events (stream_id, version, event_id, type, schema_version, data, occurred_at, correlation_id, causation_id, actor,
                                 command_id)
    SELECT stream_id, version, event_id, type, 1, data, occurred_at, request_id, request_id, 'bench', ${command ? 'request_id' : 'NULL'}
      FROM unnest($3::text[], $4::int[], $5::uuid[], $6::text[], $7::jsonb[], $8::timestamptz[], $9::uuid[])
           AS e (stream_id, version, event_id, type, data, occurred_at, request_id)
    RETURNING position, stream_id
  )
  INSERT INTO tidemark.outbox (shard, position, stream_id)
  SELECT (hashtextextended(stream_id, 0) & 15)::smallint, position, stream_id FROM event`;

const COMMANDS = `command AS (
    INSERT INTO tidemark.commands (command_id, idempotency_key, fingerprint, name, actor, correlation_id, status, headers, body)
    SELECT id, key, 'fp', 'Bench', 'bench', id, 201, headers, body
      FROM unnest($10::uuid[], $11::text[], $12::jsonb[], $13::jsonb[]) AS r (id, key, headers, body)
  ),`;

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
    round: (load) => closedLoop(load.inFlight, load.ms, () => append(appendRequest(load))),
    close: () => pool.end(),
  };
}

async function insert(pool: pg.Pool, requests: readonly AppendRequest[]): Promise<void> {
  const writes = requests.map(({ writes: [write] }) => write!);
  const events = requests.flatMap(({ writes: [write], metadata }) =>
    write!.events.map((event, index) => ({ ...event, streamId: write!.streamId, version: index + 1, requestId: metadata.correlationId })),
  );
  const commands = requests.flatMap(({ command }) => command ?? []);
  await pool.query({
    name: commands.length > 0 ? 'raw-insert-with-command' : 'raw-insert',
    text: insertOf(commands.length > 0),
    values: [
      writes[0]!.events.length,
      texts(writes.map(({ streamId }) => streamId)),
      texts(events.map(({ streamId }) => streamId)),
      integers(events.map(({ version }) => version)),
      uuids(events.map(({ id }) => id)),
      texts(events.map(({ type }) => type)),
      jsonbs(events.map(({ data }) => JSON.stringify(data))),
      times(events.map(({ occurredAt }) => occurredAt)),
      uuids(events.map(({ requestId }) => requestId)),
      ...(commands.length > 0
        ? [
            uuids(commands.map(({ id }) => id)),
            texts(commands.map(({ idempotencyKey }) => idempotencyKey)),
            jsonbs(commands.map(({ answer }) => JSON.stringify(answer.headers))),
            jsonbs(commands.map(({ answer }) => JSON.stringify(answer.body))),
          ]
        : []),
    ],
  });
}
