import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * One row for every fulfilment that still owes an action: the durable timer of the saga. The row says only when; what is owed follows
 * from the saga's stream. Parked fulfilments keep their row without a due time until an operator decides.
 */
export class FulfilmentWork1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE tidemark.fulfilment_work (
        order_id text PRIMARY KEY,
        due_at timestamptz,
        correlation_id text NOT NULL,
        causation_id text NOT NULL,
        parked_step text,
        parked_code text,
        parked_detail text,
        parked_at timestamptz,
        CHECK ((due_at IS NULL) = (parked_at IS NOT NULL))
      ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000)
    `);
    await runner.query('CREATE INDEX fulfilment_work_due ON tidemark.fulfilment_work (due_at) WHERE due_at IS NOT NULL');
    await runner.query('CREATE INDEX fulfilment_work_parked ON tidemark.fulfilment_work (parked_at) WHERE parked_at IS NOT NULL');
  }

  async down(): Promise<void> {
    throw new Error('Migrations are forward-only: restore a backup, or write a migration that goes forward.');
  }
}
