import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The shared cluster's maintenance database; specs make their own with createTestDatabase(). */
    databaseUrl: string;
    /** Migrated; test databases are copies of it. */
    templateDatabase: string;
    /** `host:port` of the shared broker; specs keep apart by uniqueTopicPrefix(). */
    kafkaBrokers: string[];
  }
}

/** SQLSTATE: someone is connected. */
const OBJECT_IN_USE = '55006';

export interface TestDatabase {
  readonly url: string;
  /** Gives connections that are closing a moment to do so, then ends whoever is still connected. */
  drop(): Promise<void>;
}

/** A fresh, fully migrated database of one's own, copied from a template in some 50 ms. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await administer(`CREATE DATABASE ${name} TEMPLATE ${inject('templateDatabase')}`);
  const url = new URL(inject('databaseUrl'));
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => dropDatabase(name) };
}

/** For the env variable TOPIC_PREFIX: keeps the topics and groups of one spec apart from all others on the shared broker. */
export function uniqueTopicPrefix(): string {
  return `test-${randomUUID().slice(0, 8)}`;
}

/**
 * The server learns of a closed connection a moment after the client: ended by force until then, it would fail whoever closed it with
 * an error (57P01) that nobody listens for any more. PostgreSQL waits 5 s for them to leave; only those that stay are ended.
 */
async function dropDatabase(name: string): Promise<void> {
  try {
    await administer(`DROP DATABASE IF EXISTS ${name}`);
  } catch (error) {
    if ((error as { code?: unknown }).code !== OBJECT_IN_USE) throw error;
    await administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  }
}

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('databaseUrl') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
