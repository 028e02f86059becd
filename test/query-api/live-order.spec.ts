/** Proves: an order can be followed as it changes, from where the client left off, and nothing is left behind when it leaves or we stop. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../harness/index.js';
import { QueryApiFixture } from './query-api-fixture.js';
import { cancelled, confirmed, placed } from './sample-events.js';

let house: QueryApiFixture;
let clients: AbortController[];

beforeEach(async () => {
  house = await QueryApiFixture.start();
  clients = [];
  await house.append('order-f-1', [placed('f-1')]);
  await house.project();
});
afterEach(async () => {
  for (const client of clients) client.abort();
  await house.stop();
});

/** Opens a live answer; `text()` is what has come so far, `ended` whether the server closed it. */
async function follow(headers: Record<string, string> = {}) {
  const client = new AbortController();
  clients.push(client);
  const response = await fetch(`${house.api.url}/orders/f-1/live`, { headers, signal: client.signal });
  const seen = { text: '', ended: false, status: response.status, type: response.headers.get('content-type') };
  void (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) seen.text += decoder.decode(chunk as Uint8Array, { stream: true });
    seen.ended = true;
  })().catch(() => undefined);
  return { seen, leave: () => client.abort() };
}

const statuses = (text: string) =>
  [...text.matchAll(/id: (\d+)\nevent: status\ndata: (.*)\n\n/g)].map(([, id, data]) => [
    Number(id),
    (JSON.parse(data!) as { status: string }).status,
  ]);

describe('a live order', () => {
  it('shows what was and what comes', async () => {
    const { seen } = await follow();
    expect([seen.status, seen.type]).toEqual([200, 'text/event-stream; charset=utf-8']);
    await waitFor(() => statuses(seen.text).length === 1);
    await house.append('order-f-1', [confirmed('f-1')]);
    await house.project();
    await waitFor(() => statuses(seen.text).length === 2);
    await house.append('order-f-1', [cancelled('f-1')]);
    await house.project();
    await waitFor(() => statuses(seen.text).length === 3);
    expect(statuses(seen.text)).toEqual([
      [1, 'placed'],
      [2, 'confirmed'],
      [3, 'cancelled'],
    ]);
    const again = await follow({ 'last-event-id': '2' });
    await waitFor(() => statuses(again.seen.text).length === 1);
    expect(statuses(again.seen.text)).toEqual([[3, 'cancelled']]);
  });

  it('is left by many without a trace', async () => {
    const many = await Promise.all(Array.from({ length: 30 }, () => follow()));
    await waitFor(() => many.every(({ seen }) => statuses(seen.text).length === 1));
    for (const { leave } of many) leave();
    const sockets = () =>
      new Promise<number>((resolve, reject) =>
        house.api.app
          .getHttpServer()
          .getConnections((error: Error | null, count: number) => (error === null ? resolve(count) : reject(error))),
      );
    await waitFor(async () => (await sockets()) <= 1);
  });

  it('does not hold up the end of the process', async () => {
    const { seen } = await follow();
    await waitFor(() => statuses(seen.text).length === 1);
    const startedAt = performance.now();
    await house.api.close();
    await waitFor(() => seen.ended);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('is not found before it is there, and is a GET or a HEAD', async () => {
    expect((await house.get('/orders/f-2/live')).body).toMatchObject({ status: 404, code: 'order.not-found' });
    expect((await house.get('/orders/f-1/live?x=1')).status).toBe(400);
    expect((await house.get('/orders/f-1/live', {}, 'HEAD')).status).toBe(200);
    expect((await house.get('/orders/f-1/live', {}, 'POST')).headers.get('allow')).toBe('GET, HEAD');
  });
});
