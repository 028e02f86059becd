// Proves that a client which hangs up before its answer gets that very answer when it asks again with the same key, and nothing happens twice.
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { anOrder } from '../../apps/command-api/testing/order-body.js';
import { TestApi } from '../../apps/command-api/testing/test-api.js';
import { createTestDatabase, waitFor } from '../harness/index.js';

let api: TestApi;
beforeAll(async () => void (api = await TestApi.start(await createTestDatabase())));
afterAll(() => api.close());

const body = JSON.stringify(anOrder());

/** Sends the whole request, or the first `bytes` of it, and is gone. */
async function hangUp(key: string, bytes = Infinity): Promise<void> {
  const head = [
    'POST /orders HTTP/1.1',
    `Host: ${new URL(api.app.url).host}`,
    'Content-Type: application/json',
    `Idempotency-Key: ${key}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ].join('\r\n');
  const request = `${head}\r\n\r\n${body}`.slice(0, bytes);
  const socket = connect(Number(new URL(api.app.url).port), '127.0.0.1');
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.write(request, () => resolve());
  });
  socket.destroy();
}

const again = (key: string) =>
  fetch(`${api.app.url}/orders`, { method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': key }, body });
const ordersOf = async (key: string): Promise<number> => {
  const { rows } = await api.sql.query(
    `SELECT count(*)::int AS orders FROM tidemark.events e JOIN tidemark.commands c ON c.command_id = e.command_id
      WHERE c.idempotency_key = $1 AND e.type = 'OrderPlaced'`,
    [key],
  );
  return rows[0].orders;
};

it('gives the stored answer to whoever comes back, byte for byte', async () => {
  for (let n = 0; n < 20; n += 1) {
    const key = `left-${n}`;
    await hangUp(key);
    await waitFor(async () => (await ordersOf(key)) === 1, { what: 'the command of a client that has left' });
    const [first, second] = [await again(key), await again(key)];
    expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    expect(await second.text()).toBe(await first.text());
    expect(await ordersOf(key)).toBe(1);
  }
});

it('carries out once what came back before the first try was over', async () => {
  const keys = Array.from({ length: 40 }, (_, n) => `hasty-${n}`);
  await Promise.all(
    keys.map(async (key) => {
      await hangUp(key);
      const answer = await waitFor(async () => {
        const repeat = await again(key);
        // still being carried out for the client that has left: come again
        return repeat.status === 409 ? undefined : repeat;
      });
      expect(answer.status).toBe(201);
      expect(await ordersOf(key)).toBe(1);
    }),
  );
});

it('does nothing of what was never wholly sent', async () => {
  await hangUp('half', 180);
  expect((await again('half')).headers.get('idempotency-replayed')).toBeNull();
  expect(await ordersOf('half')).toBe(1);
});
