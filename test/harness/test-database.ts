import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { TEMPLATE_DATABASE } from './template.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The shared cluster's maintenance database; specs make their own with createTestDatabase(). */
    databaseUrl: string;
    /** `host:port` of the shared broker; specs keep apart by uniqueTopicPrefix(). */
    kafkaBrokers: string[];
  }
}

export interface TestDatabase {
  readonly url: string;
  /** Ends whoever is still connected. */
  drop(): Promise<void>;
}

/** A fresh, fully migrated database of one's own, copied from a template in some 50 ms. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await administer(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE_DATABASE}`);
  const url = new URL(inject('databaseUrl'));
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

/** For the env variable TOPIC_PREFIX: keeps the topics and groups of one spec apart from all others on the shared broker. */
export function uniqueTopicPrefix(): string {
  return `test-${randomUUID().slice(0, 8)}`;
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
