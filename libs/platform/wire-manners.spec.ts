/** What reaches no route still gets a problem document; what is held at once is bounded; and no client can hold up the end of a process. */
import { connect, type Socket } from 'node:net';
import { failpoints } from '#failpoints';
import { Body, Controller, Get, Module, Post } from '@nestjs/common';
import { IsInt } from 'class-validator';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../test/harness/index.js';
import { createLogger } from './logger.js';
import type { RequestLimits } from './request-admission.js';
import { startHttpApp, type RunningApp } from './start-app.js';
import { wireProblem } from './wire-manners.js';

class Thing {
  @IsInt()
  count: number;
}

let release: () => void;
let held: Promise<void>;

@Controller('things')
class ThingsController {
  @Get('held')
  async held(): Promise<object> {
    await held;
    return {};
  }

  @Post()
  create(@Body() thing: Thing): object {
    return { thing };
  }
}

@Module({ controllers: [ThingsController] })
class ThingsModule {}

let running: RunningApp | undefined;
const sockets: Socket[] = [];

afterEach(async () => {
  release();
  sockets.splice(0).forEach((socket) => socket.destroy());
  await running?.close();
  running = undefined;
});

async function start(options: { limits?: RequestLimits; drainMs?: number; failpoints?: string } = {}): Promise<RunningApp> {
  held = new Promise((resolve) => (release = resolve));
  running = await startHttpApp(ThingsModule, {
    name: 'things',
    description: 'Things.',
    version: '1',
    port: 0,
    logger: createLogger({ app: 'things', level: 'silent' }),
    handleSignals: false,
    swagger: false,
    ...options,
  });
  return running;
}

/** Sends bytes on a connection of its own and answers all that comes until the server has closed it, or `enough` of it. */
function raw({ url }: RunningApp, bytes: string, enough = /never/): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  sockets.push(socket);
  return new Promise((resolve, reject) => {
    let text = '';
    socket.on('data', (data) => {
      text += data.toString();
      if (enough.test(text)) resolve(text);
    });
    socket.on('close', () => resolve(text)).on('error', reject);
    socket.write(bytes);
  });
}

describe('on the wire', () => {
  it.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400, 'malformed-request'],
    ['no host', 'GET /things/held HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'malformed-request'],
    ['a tunnel', 'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n', 400, 'malformed-request'],
    ['an expectation', 'POST /things HTTP/1.1\r\nHost: x\r\nExpect: the-best\r\nContent-Length: 2\r\n\r\n', 417, 'expectation-failed'],
    ['headers without end', `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}`, 431, 'header-too-large'],
  ])('%s', async (_what, bytes, status, code) => {
    const answer = await raw(await start(), bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} .*\\r\\n`));
    expect(answer.toLowerCase()).toContain('content-type: application/problem+json');
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ status, code });
  });

  it('a request that does not arrive in time is told so', () => {
    expect(wireProblem({ code: 'ERR_HTTP_REQUEST_TIMEOUT' })).toMatchObject({ status: 408, code: 'request-timeout' });
  });
});

describe('admission', () => {
  it('answers 503 with Retry-After beyond its places, health asked all the same, and takes more when one is free', async () => {
    const { url } = await start({ limits: { requests: 2, bodyBytes: 1_000, connections: 100 } });
    const first = [fetch(`${url}/things/held`), fetch(`${url}/things/held`)];
    await waitFor(async () => (await fetch(`${url}/things`, { method: 'POST' })).status === 503, {
      what: 'the first refusal',
      deadlineMs: 3_000,
    });
    const refused = await fetch(`${url}/things/held`);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await refused.json()).toMatchObject({ code: 'overloaded' });
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    release();
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await fetch(`${url}/things/held`)).status).toBe(200);
  });

  it('counts bodies before they have arrived, and no longer when their client has left', async () => {
    const app = await start({ limits: { requests: 100, bodyBytes: 1_000, connections: 100 } });
    const body = JSON.stringify({ count: 1 }).padEnd(400);
    const post = () => fetch(`${app.url}/things`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    void raw(app, 'POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{');
    await waitFor(async () => (await post()).status === 503, { what: 'a refusal', deadlineMs: 3_000 });
    sockets.splice(0).forEach((socket) => socket.destroy());
    await waitFor(async () => (await post()).status === 201, { what: 'room', deadlineMs: 3_000 });
  });
});

describe('what is always answered', () => {
  it.each(['/health/live', '/health/ready', '/metrics', '/failpoints'])(
    'is a question to %s; a body sent there counts like any other',
    async (path) => {
      const app = await start({ limits: { requests: 100, bodyBytes: 1_000, connections: 100 } });
      const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n{`;
      const answers: string[] = [];
      const refused = (): boolean => {
        void raw(app, head, /\}$/).then((answer) => answers.push(answer));
        return answers.some((answer) => answer.startsWith('HTTP/1.1 503 '));
      };
      await waitFor(refused, { what: 'a refusal', deadlineMs: 3_000 });
    },
  );

  it('is a question to the failpoints only where there are any', async () => {
    const limits = { requests: 0, bodyBytes: 0, connections: 100 };
    expect((await fetch(`${(await start({ limits })).url}/failpoints`)).status).toBe(503);
    await running?.close();
    const { url } = await start({ limits, failpoints: '' });
    expect((await fetch(`${url}/failpoints`)).status).toBe(200);
    expect((await fetch(`${url}/failpoints`, { method: 'DELETE' })).status).toBe(503);
    failpoints.armed = false;
  });
});

describe('the end of a process', () => {
  it('serves on while it drains, with readiness off and each connection closed', async () => {
    const { url, close } = await start({ drainMs: 2_000 });
    const ended = close();
    const ready = () => fetch(`${url}/health/ready`).then(({ status }) => status, String);
    await waitFor(async () => (await ready()) === 503, { what: 'readiness to go off', deadlineMs: 1_500 });
    const body = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"count":1}' };
    const answer = await fetch(`${url}/things`, body).then(({ status, headers }) => [status, headers.get('connection')], String);
    expect(answer).toEqual([201, 'close']);
    await ended;
  });

  it('is not held up by requests that never end, nor by tunnels nobody closes', async () => {
    const app = await start();
    await raw(app, 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\nmore', /\}$/);
    void raw(app, 'POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{');
    await expect.poll(() => sockets.every((socket) => !socket.connecting)).toBe(true);
    const startedAt = performance.now();
    await app.close();
    expect(performance.now() - startedAt).toBeLessThan(8_000);
  }, 15_000);
});
