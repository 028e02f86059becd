// Proves that the relay's readiness is false whenever events would not flow, and says why.
import type { RelayHealth } from '#outbox';
import { expect, it } from 'vitest';
import { relayChecks } from './relay.checks.js';

const well: RelayHealth = {
  connected: true,
  shards: [1, 2],
  members: 8,
  shardsOwned: 16,
  oldestAgeMs: 0,
  lastPassAt: new Date().toISOString(),
  silentMs: 5,
  failing: null,
};

const nothing = { held: 0, streams: 0, oldestSeconds: 0, lastHour: 0, byCode: {} };

function checksOf({ health = well, producing = true, brokerAnswers = true, held = nothing } = {}): ReturnType<typeof relayChecks> {
  return relayChecks({
    relay: { health: () => health },
    backlog: { held: async () => held },
    producer: { connected: producing },
    admin: { endOffsets: async () => (brokerAnswers ? new Map() : Promise.reject(new Error('no broker'))) },
    maxAgeMs: 60_000,
  });
}

async function outcomes(given: Parameters<typeof checksOf>[0] = {}): Promise<Record<string, unknown>> {
  const checks = checksOf(given);
  const results = await Promise.allSettled(checks.map(async ({ check }) => check()));
  return Object.fromEntries(
    checks.map(({ name }, index) => [name, results[index]?.status === 'rejected' ? String(results[index].reason.message) : 'up']),
  );
}

const up = { database: 'up', broker: 'up', shards: 'up', outbox: 'up', deadLetters: 'up' };

it('dead letters are told, with how many, for how long and whether they grow, and do not make it unready', async () => {
  const held = { held: 3, streams: 2, oldestSeconds: 90, lastHour: 1, byCode: { 'too-large': 3 } };
  expect(await outcomes({ held })).toEqual(up);
  const told = await checksOf({ held })
    .find(({ name }) => name === 'deadLetters')!
    .check();
  expect(told).toEqual({ ...held, degraded: '3 events wait for an operator and block 2 streams' });
});

it('all is well with a session, a broker, all shards held by someone and nothing old', async () => {
  expect(await outcomes()).toEqual(up);
  expect(await outcomes({ producing: false })).toEqual(up);
});

it.each([
  ['no session', { health: { ...well, connected: false } }, { database: 'no session with the database' }],
  [
    'rounds that fail',
    { health: { ...well, failing: { since: 'noon', reason: 'no leader' } } },
    { broker: 'rounds fail since noon: no leader' },
  ],
  ['a broker that does not answer before the first event', { producing: false, brokerAnswers: false }, { broker: 'no broker' }],
  ['shards that nobody holds', { health: { ...well, shardsOwned: 13 } }, { shards: '3 shards have no relay' }],
  ['an old event', { health: { ...well, oldestAgeMs: 61_000 } }, { outbox: 'an event waits since 61 s' }],
  [
    'a round that hangs',
    { health: { ...well, lastPassAt: '2010-12-01T08:26:00Z', silentMs: 60_000 } },
    { outbox: 'no round since 2010-12-01T08:26:00Z' },
  ],
  ['a relay that did nothing yet', { health: { ...well, lastPassAt: null, silentMs: null } }, { outbox: 'no round since the start' }],
])('%s is told', async (_name, given, expected) => {
  expect(await outcomes(given)).toEqual({ ...up, ...expected });
});
