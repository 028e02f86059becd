/** Proves that consumers keep their promises over a few hundred seeds, that a seed replays, and that a broken consumer is found out. */
import 'reflect-metadata';
import { TOPICS, type EventBatch } from '#messaging';
import type { Pool, PoolClient } from 'pg';
import { describe, expect, it } from 'vitest';
import type { MemoryPostgres } from '../postgres/memory-postgres.js';
import { firstFailure, runRange } from '../seed-run.js';
import { batchConsumerSimulator, batchConsumerSimulatorOf, type StartProjector } from './batch-consumer.simulator.js';
import { startProjector, type Handle } from './projector-process.js';

const SEEDS = 100;
/** A broken variant that survives so many seeds is not found. */
const PATIENCE = 300;

it(`${SEEDS} seeds: nothing lost, doubled, skipped or stuck`, async () => {
  const { seeds, failures, faults } = await runRange(batchConsumerSimulator, 1, SEEDS);
  expect(failures).toEqual([]);
  expect(seeds).toBe(SEEDS);
  expect(Object.keys(faults).length).toBeGreaterThanOrEqual(9);
}, 120_000);

it('the same seed gives the same trace', async () => {
  const first = await batchConsumerSimulator.simulate(42);
  await batchConsumerSimulator.simulate(43);
  const again = await batchConsumerSimulator.simulate(42, true);
  expect(again.hash).toBe(first.hash);
  expect(again.steps).toBe(first.steps);
});

type Query = (client: PoolClient, query: { name?: string; values?: unknown[] }, pool: Pool) => Promise<unknown> | undefined;

/** A database whose clients answer some queries otherwise. */
function withQuery(postgres: MemoryPostgres, otherwise: Query): MemoryPostgres {
  const pool: MemoryPostgres['pool'] = (options) => {
    const real = postgres.pool(options);
    const connect = real.connect.bind(real);
    real.connect = (async (callback?: () => void) => {
      // That is how the pool's own query gets its client.
      if (callback !== undefined) return connect(callback);
      const client = await connect();
      const query = client.query.bind(client) as (config: unknown, values?: unknown) => Promise<unknown>;
      const own = Object.create(client) as PoolClient;
      own.query = ((config: { name?: string }, values?: unknown) => otherwise(client, config, real) ?? query(config, values)) as never;
      return own;
    }) as never;
    return real;
  };
  return Object.create(postgres, { pool: { value: pool } }) as MemoryPostgres;
}

const handling =
  (handle: (apply: Handle, batch: EventBatch) => Promise<void>): StartProjector =>
  (options) =>
    startProjector({ ...options, around: (apply) => (batch) => handle(apply, batch) });

/** Takes every event for a new one, whatever was applied before. */
const withoutGuard: StartProjector = (options) => {
  const before = new Map<string, number>();
  const postgres = withQuery(options.postgres, (_client, { name, values }) => {
    if (name !== 'load read.projection_positions') return undefined;
    const [projections, streams] = values as [string[], string[]];
    return Promise.resolve({ rows: projections.flatMap((projection) => streams.map((id) => [projection, id, before.get(id) ?? 0])) });
  });
  const note = (apply: Handle) => (batch: EventBatch) => {
    for (const { streamId, version } of batch.messages.toReversed()) before.set(streamId, version - 1);
    return apply(batch);
  };
  return startProjector({ ...options, postgres, around: note });
};

const withCheckpointApart: StartProjector = (options) => {
  const postgres = withQuery(options.postgres, (_client, query, pool) =>
    query.name === 'save read.projection_positions' ? pool.query(query as never) : undefined,
  );
  return startProjector({ ...options, postgres });
};

const withoutDeadLetters: StartProjector = (options) => {
  const running = startProjector(options);
  running.strategy.deadLetters.store = () => Promise.resolve([]);
  return running;
};

describe('a broken variant is found out', () => {
  const variants: [string, StartProjector, RegExp][] = [
    [
      'commits the offset before the effect',
      handling((apply, batch) => {
        apply(batch).catch(() => undefined);
        return Promise.resolve();
      }),
      /was committed before/,
    ],
    ['swallows what fails', handling((apply, batch) => apply(batch).catch(() => undefined)), /was committed before/],
    ['applies what it applied before', withoutGuard, /differs from a fold|nothing was wrong with its stream/],
    ['writes the checkpoint in a transaction of its own', withCheckpointApart, /differs from a fold|not settled/],
    ['drops poison', withoutDeadLetters, /was committed before poison/],
    [
      'drops orders now and then',
      handling((apply, batch) => apply(batch.topic === TOPICS.order ? { ...batch, messages: batch.messages.slice(0, 3) } : batch)),
      /was committed before/,
    ],
  ];

  it.each(variants)(
    'one that %s',
    async (_what, start, told) => {
      const failure = await firstFailure(batchConsumerSimulatorOf(start), 1, PATIENCE);
      expect(failure?.violations.join('\n')).toMatch(told);
    },
    120_000,
  );
});
