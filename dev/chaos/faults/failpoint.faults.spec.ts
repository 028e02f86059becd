// Proves: a failpoint does not outlive its fault: it is disarmed while its process lives, and a stall that has begun is waited for.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { disarm } from './failpoint.faults.js';

let server: Server;
afterEach(() => new Promise((resolve) => server.close(resolve)));

/** An app that answers DELETE with these, and tells of a stall in this many GETs. */
async function app(deletes: readonly number[], stalls: number): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  server = createServer(({ method = '' }, response) => {
    asked.push(method);
    const count = asked.filter((each) => each === method).length;
    if (method === 'DELETE') return response.writeHead(deletes[count - 1] ?? 204).end();
    response.end(JSON.stringify({ failpoints: [{ stalling: 0 }, { stalling: count <= stalls ? 1 : 0 }] }));
  });
  server.keepAliveTimeout = 1;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

describe('disarming', () => {
  it('waits until no stall is under way', async () => {
    const { url, asked } = await app([], 2);
    await disarm({ running: true }, url);
    expect(asked).toEqual(['DELETE', 'GET', 'GET', 'GET']);
  });

  it('fails when it was refused, so that it is tried again', async () => {
    const { url } = await app([503], 0);
    await expect(disarm({ running: true }, url)).rejects.toThrow('503');
    await disarm({ running: true }, url);
  });

  it('asks nothing of the successor of a process that died of it', async () => {
    const { url, asked } = await app([], 0);
    await disarm({ running: false }, url);
    expect(asked).toEqual([]);
  });
});
