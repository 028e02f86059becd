// Proves: a failpoint does not outlive its fault: it is disarmed while its process lives, and a stall that has begun is waited for; and
// that a place nobody came by is told from one that acted.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { FAILPOINTS, type FailpointName } from '#failpoints';
import { Random } from '../load/random.js';
import { disarm, failpointFaults, wasReached } from './failpoint.faults.js';
import type { FaultContext } from './fault.js';

let server: Server | undefined;
afterEach(async () => {
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

/** An app that answers DELETE with these, and tells of a stall in this many GETs. */
async function app(deletes: readonly number[], stalls: number): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const url = await serve((method) => {
    asked.push(method);
    const count = asked.filter((each) => each === method).length;
    if (method === 'DELETE') return { status: deletes[count - 1] ?? 204 };
    return { status: 200, body: { failpoints: [{ stalling: 0 }, { stalling: count <= stalls ? 1 : 0 }] } };
  });
  return { url, asked };
}

async function serve(answer: (method: string) => { status: number; body?: object }): Promise<string> {
  const serving = (server = createServer(({ method = '' }, response) => {
    const { status, body } = answer(method);
    response.writeHead(status).end(body && JSON.stringify(body));
  }));
  serving.keepAliveTimeout = 1;
  await new Promise<void>((resolve) => serving.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(serving.address() as AddressInfo).port}`;
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

describe('a place that was armed', () => {
  const names = Object.keys(FAILPOINTS) as FailpointName[];
  const fired = (count: number) => names.map((name) => ({ name, fired: count }));
  const both = 'gateway.charged=throw@1x9;gateway.contradict=throw@1x9';

  it.each([
    ['nobody came by', 'relay.sent=stall(9)@3', fired(4), undefined, false],
    ['it acted', 'relay.sent=stall(9)@3', fired(5), undefined, true],
    ['one of two acted', both, [...fired(4), { name: 'gateway.charged' as const, fired: 5 }].reverse(), undefined, false],
    ['both acted', both, fired(5), undefined, true],
    ['the process died of it', 'relay.sent=exit', undefined, { code: null, signal: 'SIGKILL' as const }, true],
    ['the process left by itself instead', 'relay.sent=exit', undefined, { code: 1, signal: null }, false],
    ['the process left for what was thrown', 'relay.sent=throw', undefined, { code: 1, signal: null }, true],
  ] as const)('%s', (_, spec, after, exit, reached) => {
    expect(wasReached(spec, fired(4), after, exit)).toBe(reached);
  });

  it.each([
    [0, false],
    [1, true],
  ])('acted %i times between arming and disarming: the fault was on is %s', async (times, reached) => {
    let armed = false;
    const url = await serve((method) => {
      if (method !== 'GET') armed = method === 'PUT';
      const count = method === 'PUT' ? 3 : 3 + times;
      return method === 'DELETE'
        ? { status: 204 }
        : { status: 200, body: { failpoints: names.map((name) => ({ name, fired: count, stalling: 0 })) } };
    });
    const stack = { processOf: () => ({ running: true, exit: undefined }), urlOf: () => url };
    const kind = failpointFaults.find((each) => each.kind === 'failpoint in relay')!;
    const injection = await kind.inject({ stack, target: 'relay-1', random: new Random(7) } as unknown as FaultContext);
    expect(armed).toBe(true);
    await injection.heal!();
    expect([armed, injection.wasReached!()]).toEqual([false, reached]);
  });
});
