import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The row of an owed action names it, and says whether it waits: then it is due when it may leave, and has not left. Otherwise the row is
 * a lease, due when nothing has been heard of the action for too long.
 */
export class WaitingActions1700000000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Changes no row. Behind a long transaction it gives up rather than make every orchestrator queue behind it: run it again.
    await runner.query(`SET LOCAL lock_timeout = '3s'`);
    await runner.query('ALTER TABLE tidemark.fulfilment_work ADD COLUMN action text, ADD COLUMN waits boolean NOT NULL DEFAULT false');
  }

  async down(): Promise<void> {
    throw new Error('Migrations are forward-only: restore a backup, or write a migration that goes forward.');
  }
}
