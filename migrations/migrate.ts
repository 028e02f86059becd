import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { migrationDataSource } from './data-source.js';

/** Any number no one else locks by: two runs at once go one after the other. */
const MIGRATION_LOCK = 7_300_001;

export interface MigrateOptions {
  readonly databaseUrl: string;
  /** How long to wait for the database to answer, milliseconds. Default 60,000. */
  readonly waitMs?: number;
  /** Told the name of each migration that was carried out. */
  readonly onMigrated?: (name: string) => void;
}

/** Waits for the database, then carries out what is pending. Answers how many migrations that were. */
export async function migrate({ databaseUrl, waitMs = 60_000, onMigrated }: MigrateOptions): Promise<number> {
  const lock = await connect(databaseUrl, performance.now() + waitMs);
  try {
    await lock.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const dataSource = await migrationDataSource(databaseUrl).initialize();
    try {
      const done = await dataSource.runMigrations();
      done.forEach(({ name }) => onMigrated?.(name));
      return done.length;
    } finally {
      await dataSource.destroy();
    }
  } finally {
    await lock.end();
  }
}

async function connect(databaseUrl: string, giveUpAt: number): Promise<pg.Client> {
  for (;;) {
    const client = new pg.Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: 5_000,
      application_name: 'tidemark-migrations',
    });
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      if (performance.now() >= giveUpAt) throw new Error('the database does not answer', { cause: error });
      await delay(250);
    }
  }
}
