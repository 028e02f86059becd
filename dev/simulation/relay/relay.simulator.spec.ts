/**
 * Proves that the relay keeps its promises whatever dies between any two of its steps (a few hundred seeds; `npm run simulate` takes as
 * many as it is given), and that the simulation finds a relay that does not.
 */
import type { OutboxPublisher } from '#outbox';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Simulator } from '../kernel/simulator.js';
import { relaySimulator, relaySimulatorOf } from './relay.simulator.js';
import { startRelay } from './relay-process.js';

/** What is found wrong by the first seed that finds anything. */
async function firstViolation(simulator: Simulator, seeds = 300): Promise<string | undefined> {
  for (let seed = 1; seed <= seeds; seed += 1) {
    const { violations } = await simulator.simulate(seed);
    if (violations.length > 0) return violations.join('\n');
  }
  return undefined;
}

const withPublisher = (around: (publisher: OutboxPublisher) => OutboxPublisher): Simulator =>
  relaySimulatorOf((options) => startRelay({ ...options, around }));

describe('the relay, simulated', () => {
  afterEach(() => {
    vi.doUnmock('../../../libs/outbox/scan-floor.js');
    vi.doUnmock('../../../libs/outbox/shard-locks.js');
    vi.resetModules();
  });

  it('loses nothing and keeps the order of streams', { timeout: 120_000 }, async () => {
    expect(await firstViolation(relaySimulator, 60)).toBeUndefined();
  });

  it('takes the same steps for the same seed', async () => {
    const [one, other] = [await relaySimulator.simulate(4711), await relaySimulator.simulate(4711)];
    expect(other.hash).toBe(one.hash);
  });

  it('finds a relay that deletes what was not acknowledged', { timeout: 120_000 }, async () => {
    const careless = withPublisher((publisher) => ({
      publish: async (rows) => {
        const { poison } = await publisher.publish(rows);
        const parked = new Set(poison.map(({ seq }) => seq));
        return { published: rows.map(({ seq }) => seq).filter((seq) => !parked.has(seq)), poison };
      },
    }));
    expect(await firstViolation(careless)).toMatch(/was deleted and is not on the broker/);
  });

  it('finds a relay that goes on with a stream after a failure', { timeout: 120_000 }, async () => {
    const hasty = withPublisher((publisher) => ({
      publish: async (rows) => {
        const results = [];
        for (const row of rows) results.push(await publisher.publish([row]));
        return { published: results.flatMap(({ published }) => published), poison: results.flatMap(({ poison }) => poison) };
      },
    }));
    expect(await firstViolation(hasty)).toMatch(/came first after/);
  });

  it('finds a relay that reads on from the newest position it has seen', { timeout: 120_000 }, async () => {
    vi.doMock('../../../libs/outbox/scan-floor.js', () => ({ ScanFloor: NewestSeen }));
    expect(await firstViolation(await reloaded())).toMatch(/was committed and never published|not settled/);
  });

  it('finds a relay that takes shards without their locks', { timeout: 120_000 }, async () => {
    vi.doMock('../../../libs/outbox/shard-locks.js', () => ({ ShardLocks: AllShards, SHARD_COUNT: 16 }));
    expect(await firstViolation(await reloaded())).toMatch(/by a session that does not hold shard/);
  });
});

/** With the modules that are mocked by now. */
async function reloaded(): Promise<Simulator> {
  vi.resetModules();
  const { relaySimulator: mocked } = await import('./relay.simulator.js');
  return mocked;
}

/** The mistake that ScanFloor exists to avoid: what is below the newest position is taken for settled. */
class NewestSeen {
  epoch = '';
  oldestAgeMs = 0;
  private newest = 0;

  constructor(private readonly client: { query(query: object): Promise<{ rows: { newest: string; epoch: string }[] }> }) {}

  of(): number {
    return this.newest;
  }

  async sound(): Promise<object> {
    const { rows } = await this.client.query({ name: 'tidemark-outbox-sound', text: '-', values: [[], [], null] });
    this.epoch = rows[0]?.epoch ?? '';
    this.newest = Number(rows[0]?.newest ?? 0);
    return { look: 'whole', hidden: [] };
  }
}

class AllShards {
  readonly held = Array.from({ length: 16 }, (_, shard) => shard);
  readonly members = 1;
  readonly owned = 16;

  join(): Promise<void> {
    return Promise.resolve();
  }

  rebalance(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
