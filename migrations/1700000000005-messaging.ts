import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What consumers could not take: parked streams and the messages held back, by consumer group. */
export class Messaging1700000000005 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('CREATE SCHEMA IF NOT EXISTS tidemark');
    // Whoever adds a letter to a parked stream, or ends its parking, locks its row here.
    await queryRunner.query(`
      CREATE TABLE tidemark.consumer_parked_streams (
        group_id  text NOT NULL,
        stream_id text NOT NULL,
        code      text NOT NULL,
        reason    text NOT NULL,
        parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (group_id, stream_id)
      )`);
    // Never deleted: a discarded letter must stay discarded when its topic is read again, and the history answers "why".
    await queryRunner.query(`
      CREATE TABLE tidemark.consumer_dead_letters (
        id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        group_id     text NOT NULL,
        topic        text NOT NULL,
        "partition"  int NOT NULL,
        "offset"     bigint NOT NULL,
        stream_id    text,
        code         text NOT NULL,
        reason       text NOT NULL,
        message_key  bytea,
        message_value bytea,
        headers      jsonb NOT NULL,
        state        text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'released', 'discarded')),
        recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
        resolved_at  timestamptz,
        resolved_by  text,
        note         text,
        UNIQUE (group_id, topic, "partition", "offset")
      )`);
    await queryRunner.query(`
      CREATE INDEX consumer_dead_letters_held
        ON tidemark.consumer_dead_letters (group_id, stream_id, topic, "partition", "offset") WHERE state = 'held'`);
  }

  async down(): Promise<void> {
    throw new Error('migrations are forward-only');
  }
}
