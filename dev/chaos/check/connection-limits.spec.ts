/** Proves that the limits follow from the sizes of the pools as the apps have them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CONNECTIONS_OF, connectionLimitOf } from './connection-limits.js';

const source = (path: string): string => readFileSync(new URL(`../../../apps/${path}`, import.meta.url), 'utf8');
const numberIn = (path: string, pattern: RegExp): number => Number(pattern.exec(source(path))?.[1]);

describe('connections of a process', () => {
  it.each([
    ['orchestrator', 'orchestrator/main.ts', /max: (\d+), app: 'orchestrator'/],
    ['projector', 'projector/projector-app.ts', /max: (\d+), app: 'projector'/],
    ['relay', 'relay/main.ts', /max: (\d+), app: 'relay'/],
    ['command-api', 'command-api/command-api.config.ts', /DATABASE_POOL_SIZE: .*default\((\d+)\)/],
  ])('of the %s are those of its pool', (app, path, pattern) => {
    expect(CONNECTIONS_OF[`tidemark-${app}`]).toBe(numberIn(path, pattern));
  });

  it('of the query API are those of both pools', () => {
    const pool = numberIn('query-api/query-api.config.ts', /QUERY_POOL_SIZE: .*default\((\d+)\)/);
    expect(CONNECTIONS_OF['tidemark-query-api']).toBe(pool + Math.ceil(pool / 2));
  });

  it('of rebuilds are those of the pool and one that holds the lock', () => {
    expect(CONNECTIONS_OF['tidemark-rebuild']).toBe(numberIn('projector/rebuild-command.ts', /max: (\d+), app: 'rebuild'/) + 1);
  });
});

it('leaves room for both processes, one that is being deployed, and one that died just now', () => {
  expect(connectionLimitOf('tidemark-relay-session')).toBe(4);
  expect(connectionLimitOf('tidemark-command-api')).toBe(40);
  expect(connectionLimitOf('psql')).toBe(20);
});
