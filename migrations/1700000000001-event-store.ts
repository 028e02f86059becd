import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Streams in PostgreSQL. Stream ids and keys compare bytewise (COLLATE "C"): faster, and the same order on every machine.
 * Times are kept in milliseconds, so that a time read from an event finds that event again.
 */
export class EventStore1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE SCHEMA tidemark');

    // The head of a stream: what append locks and moves. Nothing but the key is indexed and a third of each page is kept free, so
    // that every move is HOT (no index entry, no vacuum needed for it).
    await runner.query(`
      CREATE TABLE tidemark.streams (
        stream_id text COLLATE "C" PRIMARY KEY,
        version integer NOT NULL CHECK (version >= 0)
      ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)
    `);

    // CACHE 1 (the default) matters: a session's private range of positions would break their order inside a stream.
    await runner.query(`
      CREATE TABLE tidemark.events (
        position bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
        version integer NOT NULL,
        schema_version smallint NOT NULL,
        occurred_at timestamptz(3) NOT NULL,
        recorded_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
        event_id uuid NOT NULL,
        correlation_id uuid NOT NULL,
        causation_id uuid NOT NULL,
        command_id uuid,
        stream_id text COLLATE "C" NOT NULL,
        type text COLLATE "C" NOT NULL,
        actor text NOT NULL,
        traceparent text,
        data jsonb NOT NULL,
        CONSTRAINT events_stream_version UNIQUE (stream_id, version)
      )
    `);
    await runner.query('CREATE INDEX events_correlation ON tidemark.events (correlation_id)');

    // Every accepted command and every refused one whose answer must be the same when it is repeated.
    await runner.query(`
      CREATE TABLE tidemark.commands (
        command_id uuid PRIMARY KEY,
        idempotency_key text COLLATE "C" NOT NULL CONSTRAINT commands_idempotency_key UNIQUE,
        fingerprint text NOT NULL,
        name text NOT NULL,
        actor text NOT NULL,
        correlation_id uuid NOT NULL,
        received_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
        status integer NOT NULL,
        headers jsonb NOT NULL,
        body jsonb NOT NULL
      )
    `);

    await runner.query(`
      CREATE TABLE tidemark.snapshots (
        stream_id text COLLATE "C" PRIMARY KEY,
        version integer NOT NULL,
        schema_version integer NOT NULL,
        state jsonb NOT NULL
      )
    `);

    await runner.query(LOCK_STREAMS);
  }

  async down(): Promise<void> {
    throw new Error('Migrations are forward-only: restore a backup, or write a migration that goes forward.');
  }
}

/**
 * Locks the heads of streams in one order for all callers and answers their versions; a stream that does not exist gets a head at 0.
 * First all missing heads, then all locks: see append for why that cannot deadlock.
 */
const LOCK_STREAMS = `
CREATE FUNCTION tidemark.lock_streams(p_streams text[])
RETURNS TABLE (stream_id text, version integer)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
BEGIN
  -- Looking for all of them in one pass of the index first: half of what looking for each alone costs, and heads do not go again.
  IF (SELECT count(*) FROM tidemark.streams s WHERE s.stream_id = ANY (p_streams)) < cardinality(p_streams) THEN
    INSERT INTO tidemark.streams (stream_id, version)
    SELECT wanted.id, 0
    FROM unnest(p_streams) AS wanted (id)
    WHERE NOT EXISTS (SELECT FROM tidemark.streams s WHERE s.stream_id = wanted.id)
    ORDER BY wanted.id COLLATE "C"
    ON CONFLICT DO NOTHING;
  END IF;

  RETURN QUERY
  SELECT s.stream_id, s.version
  FROM tidemark.streams s
  WHERE s.stream_id = ANY (p_streams)
  ORDER BY s.stream_id
  FOR NO KEY UPDATE;
END
$$
`;
