/** Proves that reads go on after their connections have gone dead without a word. */
import { expect, it } from 'vitest';
import { createLogger } from '#platform';
import { createTestDatabase, Line } from '../../../test/harness/index.js';
import { readDataSource } from './read-database.js';

it('gives up connections that answer nothing, and reads on through new ones', async () => {
  const database = await createTestDatabase();
  const url = new URL(database.url);
  const line = await Line.to({ host: url.hostname, port: Number(url.port) });
  url.host = `127.0.0.1:${line.port}`;
  const logger = createLogger({ app: 'spec', level: 'fatal' });
  const reads = readDataSource({ databaseUrl: url.href, poolSize: 1, statementTimeoutMs: 1_000, logger });
  await reads.initialize();
  try {
    expect(await reads.query('SELECT 1 AS value')).toEqual([{ value: 1 }]);
    line.goDead();
    await expect(reads.query('SELECT 2 AS value')).rejects.toThrow('Query read timeout');
    expect(await reads.query('SELECT 3 AS value')).toEqual([{ value: 3 }]);
  } finally {
    await reads.destroy();
    line.close();
    await database.drop();
  }
});
