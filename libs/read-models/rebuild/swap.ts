import type { ClientBase } from 'pg';

/** Passing queries take milliseconds. A long one, or a vacuum, gets this many chances to end before we give up. */
const ATTEMPTS = 40;
/**
 * While we wait for the tables, every new query waits behind us: give way after a quarter of a second. Now and then wait longer than
 * deadlock_timeout (1 s), because an automatic vacuum lets go of a table only for someone who waits that long.
 */
const WAIT_MS = 250;
const LONG_WAIT_MS = 1_500;
const PAUSE_MS = 50;

export class TablesBusyError extends Error {
  constructor(tables: readonly string[]) {
    super(`other sessions keep using ${tables.join(', ')}: the rebuilt tables were not put in place`);
    this.name = 'TablesBusyError';
  }
}

/** Puts the tables of `schema` in the place of the live ones, inside the caller's transaction: nobody ever sees some of each. */
export async function swapTables(client: ClientBase, schema: string, tables: readonly string[], attempts = ATTEMPTS): Promise<void> {
  const live = tables.map((table) => `read.${table}`).join(', ');
  await lockForSwap(client, live, tables, attempts);
  await client.query(`DROP TABLE ${live}`);
  for (const table of tables) await client.query(`ALTER TABLE ${schema}.${table} SET SCHEMA read`);
  await client.query(`DROP SCHEMA ${schema} CASCADE`);
}

/** The checkpoints of the rebuilt tables become the live ones; where both are the same nothing is written. */
export async function swapPositions(client: ClientBase, schema: string, projection: string): Promise<void> {
  await client.query(
    `INSERT INTO read.projection_positions AS known (projection, stream_id, version)
     SELECT projection, stream_id, version FROM ${schema}.projection_positions
     ON CONFLICT (projection, stream_id) DO UPDATE SET version = excluded.version WHERE known.version <> excluded.version`,
  );
  await client.query(
    `DELETE FROM read.projection_positions AS known WHERE projection = $1
     AND NOT EXISTS (SELECT FROM ${schema}.projection_positions r WHERE r.projection = $1 AND r.stream_id = known.stream_id)`,
    [projection],
  );
}

async function lockForSwap(client: ClientBase, live: string, tables: readonly string[], attempts: number): Promise<void> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const waitMs = attempt % 10 === 0 ? LONG_WAIT_MS : WAIT_MS;
    await client.query(`SAVEPOINT before_lock; SET LOCAL lock_timeout = ${waitMs}`);
    try {
      await client.query(`LOCK TABLE ${live} IN ACCESS EXCLUSIVE MODE`);
      await client.query('SET LOCAL lock_timeout = 0');
      return;
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      await client.query('ROLLBACK TO SAVEPOINT before_lock');
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
  throw new TablesBusyError(tables);
}

/** lock_not_available, or the deadlock that our own waiting made. */
const isLockTimeout = (error: unknown): boolean => ['55P03', '40P01'].includes((error as { code?: string }).code ?? '');
