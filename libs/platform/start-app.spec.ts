/** What every app of ours promises over HTTP, proven on a small app with one route. */
import { Body, Controller, Get, Module, Param, Post } from '@nestjs/common';
import { IsInt, Min } from 'class-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from './logger.js';
import { platformProblem } from './problem.js';
import { startHttpApp, type RunningApp } from './start-app.js';

class Thing {
  @IsInt()
  @Min(1)
  count: number;
}

class DomainError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly details: object = {},
  ) {
    super(message);
    this.name = 'DomainError';
  }
}

@Controller('things')
class ThingsController {
  @Get(':id')
  get(@Param('id') id: string): object {
    if (id === 'broken') throw new Error('the secret inside');
    if (id === 'missing') throw new DomainError('thing.not-found', 'No such thing.');
    if (id === 'refused') throw new DomainError('thing.refused', 'Not this one.', { limit: 3 });
    if (id === 'busy') throw Object.assign(new Error('full'), { name: 'OverloadedError' });
    if (id === 'gone') throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    if (id === 'custom') throw new RangeError('mapped by the app');
    return { id };
  }

  @Post()
  create(@Body() thing: Thing): object {
    return { thing };
  }
}

@Module({ controllers: [ThingsController] })
class ThingsModule {}

let healthy = true;
let worrying = false;
let running: RunningApp;

beforeAll(async () => {
  running = await startHttpApp(ThingsModule, {
    name: 'things',
    description: 'Things.',
    version: '1',
    port: 0,
    logger: createLogger({ app: 'things', level: 'silent' }),
    handleSignals: false,
    checks: [
      {
        name: 'database',
        check: () => {
          if (!healthy) throw new Error('no database');
          return { latencyMs: 1, ...(worrying ? { degraded: 'something waits for a person' } : {}) };
        },
      },
    ],
    problems: (error) => (error instanceof RangeError ? platformProblem('unavailable', error.message) : undefined),
  });
});
afterAll(() => running.close());

const ask = (path: string, init?: RequestInit) => fetch(`${running.url}${path}`, init);
const post = (body: string | Uint8Array, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
  ask('/things', { method: 'POST', body, headers });

describe('problem details', () => {
  it.each([
    ['missing', 404, 'thing.not-found'],
    ['refused', 409, 'thing.refused'],
    ['busy', 503, 'overloaded'],
    ['gone', 503, 'unavailable'],
    ['custom', 503, 'unavailable'],
    ['broken', 500, 'internal-error'],
  ])('answers %s as %i %s', async (id, status, code) => {
    const response = await ask(`/things/${id}`);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    const body = (await response.json()) as Record<string, unknown>;
    expect(body).toMatchObject({ type: `urn:tidemark:problem:${code}`, status, code });
    expect(body['traceId']).toBe(response.headers.get('x-correlation-id'));
    expect(JSON.stringify(body)).not.toContain('secret');
  });

  it('tells the client when to come back', async () => {
    expect((await ask('/things/busy')).headers.get('retry-after')).toBe('1');
  });

  it('carries the details of a domain refusal', async () => {
    expect(await (await ask('/things/refused')).json()).toMatchObject({ detail: 'Not this one.', limit: 3 });
  });

  it('answers 404 for an unknown path and 405 with Allow for another method', async () => {
    expect(await (await ask('/nowhere')).json()).toMatchObject({ status: 404, code: 'not-found' });
    const response = await ask('/things/1', { method: 'DELETE' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
    expect((await ask('/things', { method: 'PROPFIND' })).status).toBe(405);
    expect(await response.json()).toMatchObject({ code: 'method-not-allowed' });
  });

  it.each(['/things/%zz', '/things/%00', `/things/${'x'.repeat(300)}`])('refuses the address %s with a problem', async (path) => {
    const response = await ask(path);
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
  });
});

describe('bodies', () => {
  it.each<[string, string | Uint8Array, number, string]>([
    ['not JSON', '{', 400, 'malformed-json'],
    ['empty', '', 400, 'malformed-json'],
    ['an array', '[]', 400, 'validation-failed'],
    ['a string', '"x"', 400, 'validation-failed'],
    ['null', 'null', 400, 'validation-failed'],
    ['an unknown field', '{"count":1,"more":2}', 400, 'validation-failed'],
    ['a wrong type', '{"count":"1"}', 400, 'validation-failed'],
    ['a prototype', '{"count":1,"__proto__":{}}', 400, 'malformed-json'],
    ['a NUL character', '{"count":1,"a":"\\u0000"}', 400, 'malformed-json'],
    ['half a surrogate pair', '{"count":1,"a":"\\ud800"}', 400, 'malformed-json'],
    ['bad UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 400, 'malformed-json'],
    ['deep nesting', '['.repeat(100_000), 400, 'malformed-json'],
    ['a long number', '{"count":1.00000000000000000001}', 400, 'malformed-json'],
    ['a huge body', `"${'x'.repeat(1024 * 1024)}"`, 413, 'body-too-large'],
  ])('refuses %s', async (_what, body, status, code) => {
    const response = await post(body);
    expect(await response.json()).toMatchObject({ status, code });
    expect(response.status).toBe(status);
  });

  it.each(['text/plain', 'application/xml', 'application/json; charset=latin1'])('refuses the content type %s', async (type) => {
    expect(await (await post('{"count":1}', { 'content-type': type })).json()).toMatchObject({
      status: 415,
      detail: 'Send application/json in UTF-8.',
    });
  });

  it('tells the path of what is wrong', async () => {
    expect(await (await post('{"count":0}')).json()).toMatchObject({ errors: [{ path: 'count' }] });
  });
});

describe('operations', () => {
  it('takes the correlation id of the client and mints one otherwise', async () => {
    const given = '0190a5e2-7b1c-7000-8000-000000000001';
    expect((await ask('/things/1', { headers: { 'x-correlation-id': given } })).headers.get('x-correlation-id')).toBe(given);
    expect((await ask('/things/1', { headers: { 'x-correlation-id': 'me' } })).headers.get('x-correlation-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is ready only while its checks pass, and alive in any case', async () => {
    expect((await ask('/health/ready')).status).toBe(200);
    healthy = false;
    const response = await ask('/health/ready');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ status: 'error', error: { database: { status: 'down', message: 'no database' } } });
    expect((await ask('/health/live')).status).toBe(200);
    healthy = true;
    expect((await ask('/health/ready')).status).toBe(200);
  });

  it('stays ready, and says what is wrong, while a check only worries', async () => {
    worrying = true;
    const response = await ask('/health/ready');
    worrying = false;
    expect([response.status, await response.json()]).toEqual([
      200,
      expect.objectContaining({
        status: 'degraded',
        details: expect.objectContaining({ database: expect.objectContaining({ status: 'degraded', latencyMs: 1 }) }),
      }),
    ]);
  });

  it('serves metrics by route pattern', async () => {
    await ask('/things/1');
    const text = await (await ask('/metrics')).text();
    expect(text).toContain('route="/things/:id"');
    expect(text).not.toContain('route="/things/1"');
  });

  it('serves its OpenAPI document and a page for it', async () => {
    const document = (await (await ask('/openapi.json')).json()) as { openapi: string; paths: object };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/things', '/things/{id}', '/health/ready', '/metrics']));
    expect((await ask('/docs')).status).toBe(200);
  });
});

describe('failpoints', () => {
  it('have no route unless they are switched on', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) expect((await ask('/failpoints', { method })).status).toBe(404);
  });

  it('are listed, armed, refused and disarmed while the app runs', async () => {
    const app = await startHttpApp(ThingsModule, {
      name: 'fragile',
      description: '',
      version: '1',
      port: 0,
      logger: createLogger({ app: 'fragile', level: 'silent' }),
      handleSignals: false,
      failpoints: 'relay.sent=exit@3',
    });
    const call = async (method: string, body?: object) =>
      fetch(`${app.url}/failpoints`, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
    const armed = async (): Promise<unknown> => {
      const { failpoints } = (await (await call('GET')).json()) as { failpoints: { name: string; armed: object | null }[] };
      return failpoints.filter((each) => each.armed !== null).map((each) => [each.name, each.armed]);
    };
    expect(await armed()).toEqual([['relay.sent', { action: 'exit', nth: 3, times: 1, hits: 0 }]]);
    expect((await call('PUT', { spec: 'relay.read=stall(5)' })).status).toBe(200);
    expect(await armed()).toEqual([['relay.read', { action: 'stall(5)', nth: 1, times: 1, hits: 0 }]]);
    expect((await call('PUT', { spec: 'nonsense' })).status).toBe(422);
    expect((await call('PUT', {})).status).toBe(422);
    expect(await armed()).toHaveLength(1);
    expect((await call('DELETE')).status).toBe(204);
    expect(await armed()).toEqual([]);
    await app.close();
  });
});

describe('shutdown', () => {
  it('stops taking work, answers what is in flight, then closes in order', async () => {
    const order: string[] = [];
    const second = await startHttpApp(ThingsModule, {
      name: 'second',
      description: '',
      version: '1',
      port: 0,
      logger: createLogger({ app: 'second', level: 'silent' }),
      handleSignals: false,
      stop: [{ name: 'loop', run: () => void order.push('stop loop') }],
      close: [
        { name: 'queue', run: () => void order.push('close queue') },
        { name: 'pool', run: () => void order.push('close pool') },
      ],
    });
    await second.close();
    await second.close();
    expect(order).toEqual(['stop loop', 'close queue', 'close pool']);
    await expect(fetch(`${second.url}/health/live`)).rejects.toThrow();
  });
});
