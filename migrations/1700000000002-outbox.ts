import type { MigrationInterface, QueryRunner } from 'typeorm';
import { APPEND_FUNCTION } from './1700000000002-append-function.js';

/** What is still to be published, and what could not be. The append function lives here because it writes events and outbox together. */
export class Outbox1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // A row refers to its event and goes when the event was published: one dead row each, swept after every thousand and not after
    // a share of the table, since reads start where the dead rows lie. No truncation: it would lock out writers.
    await runner.query(`
      CREATE TABLE tidemark.outbox (
        position bigint NOT NULL,
        shard smallint NOT NULL CHECK (shard BETWEEN 0 AND 15),
        stream_id text COLLATE "C" NOT NULL,
        PRIMARY KEY (shard, position)
      ) WITH (
        autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000, vacuum_truncate = false
      )
    `);

    // Raised by whoever puts rows back at an old position or lets held-back ones go: relays then look from the start again.
    await runner.query(`
      CREATE TABLE tidemark.outbox_epoch (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        n bigint NOT NULL
      )
    `);
    await runner.query('INSERT INTO tidemark.outbox_epoch (n) VALUES (1)');

    // A row that cannot be sent, with its message as it would have gone out. While it is here, later rows of its stream wait.
    await runner.query(`
      CREATE TABLE tidemark.outbox_dead_letters (
        position bigint PRIMARY KEY,
        shard smallint NOT NULL,
        stream_id text COLLATE "C" NOT NULL,
        version integer NOT NULL,
        event_id uuid NOT NULL,
        type text NOT NULL,
        reason text NOT NULL,
        detail text NOT NULL,
        topic text,
        headers jsonb NOT NULL,
        value bytea,
        parked_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
      )
    `);
    await runner.query('CREATE INDEX outbox_dead_letters_stream ON tidemark.outbox_dead_letters (stream_id)');

    await runner.query(`
      CREATE TABLE tidemark.dead_letter_actions (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        position bigint NOT NULL,
        stream_id text COLLATE "C" NOT NULL,
        version integer NOT NULL,
        event_id uuid NOT NULL,
        action text NOT NULL CHECK (action IN ('parked', 'released', 'discarded')),
        reason text NOT NULL,
        actor text NOT NULL,
        acted_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
      )
    `);
    await runner.query('CREATE INDEX dead_letter_actions_position ON tidemark.dead_letter_actions (position)');

    await runner.query(APPEND_FUNCTION);
  }

  async down(): Promise<void> {
    throw new Error('Migrations are forward-only: restore a backup, or write a migration that goes forward.');
  }
}
