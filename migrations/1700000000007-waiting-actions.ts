import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * An action that has to wait before it leaves waits in its row, which outlives processes: due when it may leave, with the name of what
 * waits. Without a name the row is a lease, due when nothing has been heard of the action for too long.
 */
export class WaitingActions1700000000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // No default, no constraint that is checked against the rows there: the table is locked for a moment only.
    await runner.query('ALTER TABLE tidemark.fulfilment_work ADD COLUMN waits_for text');
  }

  async down(): Promise<void> {
    throw new Error('Migrations are forward-only: restore a backup, or write a migration that goes forward.');
  }
}
