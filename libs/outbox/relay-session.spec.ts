/** Proves that a relay which stands still inside a transaction loses its session, and with it its shards. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createTestDatabase } from '../../test/harness/index.js';
import { relayClient, RelaySession } from './relay-session.js';

it('is ended by the server when it stands still inside a transaction', async () => {
  const database = await createTestDatabase();
  const client = relayClient(database.url);
  let lose: (error: Error) => void = () => undefined;
  const lost = new Promise<Error>((resolve) => (lose = resolve));
  const session = await RelaySession.open(client, lose);
  try {
    const standing = session.use(async () => {
      await client.query('BEGIN READ ONLY');
      return await Promise.race([lost, delay(15_000, 'kept' as const)]);
    });
    expect(await standing).toMatchObject({ code: '25P03' });
    expect(session.open).toBe(false);
  } finally {
    await session.close();
    await database.drop();
  }
});
