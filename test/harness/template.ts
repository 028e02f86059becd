import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

/** Makes a migrated database, once a run; every test database is a copy of it. Answers its name. */
export async function makeTemplate(maintenanceUrl: string): Promise<string> {
  const name = `tidemark_template_${randomUUID().slice(0, 8)}`;
  await administer(maintenanceUrl, `CREATE DATABASE ${name}`);
  const migrations = join(import.meta.dirname, '../../migrations/data-source.ts');
  if (existsSync(migrations)) {
    const url = new URL(maintenanceUrl);
    url.pathname = `/${name}`;
    const { migrationDataSource } = await import(/* @vite-ignore */ migrations);
    const dataSource = migrationDataSource(url.href);
    await dataSource.initialize();
    await dataSource.runMigrations();
    await dataSource.destroy();
  }
  // Copying a database fails while anyone is connected to it.
  await administer(maintenanceUrl, `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true`);
  return name;
}

export async function dropTemplate(maintenanceUrl: string, name: string): Promise<void> {
  await administer(maintenanceUrl, `ALTER DATABASE ${name} WITH IS_TEMPLATE false`);
  await administer(maintenanceUrl, `DROP DATABASE ${name}`);
}

async function administer(maintenanceUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: maintenanceUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
