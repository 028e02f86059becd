/** Proves that the saga keeps its promises over a few hundred seeds, that a seed replays, and that a broken saga is found out. */
import 'reflect-metadata';
import type { AppendRequest } from '#event-store';
import { describe, expect, it } from 'vitest';
import type { GatewayHttp, GatewayResponse } from '../../../apps/orchestrator/gateway-http.js';
import { firstFailure, runRange } from '../seed-run.js';
import { fulfilmentSimulator, fulfilmentSimulatorOf } from './fulfilment.simulator.js';
import { startOrchestrator, type OrchestratorOptions, type OrchestratorProcess } from './orchestrator-process.js';

const SEEDS = 100;
/** A broken variant that survives so many seeds is not found. */
const PATIENCE = 300;

it(`${SEEDS} seeds: money and stock add up, every order ends`, async () => {
  const { seeds, failures, faults } = await runRange(fulfilmentSimulator, 1, SEEDS);
  expect(failures).toEqual([]);
  expect(seeds).toBe(SEEDS);
  expect(Object.keys(faults).length).toBeGreaterThanOrEqual(10);
}, 120_000);

it('the same seed gives the same trace', async () => {
  const first = await fulfilmentSimulator.simulate(42);
  await fulfilmentSimulator.simulate(43);
  const again = await fulfilmentSimulator.simulate(42, true);
  expect(again.hash).toBe(first.hash);
  expect(again.steps).toBe(first.steps);
  expect(again.trace.length).toBeGreaterThan(first.steps);
});

type Change = (options: OrchestratorOptions) => OrchestratorProcess;
type Exchange = GatewayHttp['exchange'];

const withHttp = (change: (exchange: Exchange, ...call: Parameters<Exchange>) => Promise<GatewayResponse>): Change => {
  return (options) => {
    const http = options.gateway.http();
    const changed: GatewayHttp = {
      exchange: (...call) => change((...passed) => http.exchange(...passed), ...call),
      close: () => http.close(),
    };
    return startOrchestrator({ ...options, gateway: { http: () => changed } });
  };
};

const withProcess = (change: (running: OrchestratorProcess) => void): Change => {
  return (options) => {
    const running = startOrchestrator(options);
    change(running);
    return running;
  };
};

const answer = (status: number, body: object): GatewayResponse => ({ status, text: JSON.stringify(body) });

describe('a broken variant is found out', () => {
  const variants: [string, Change, RegExp][] = [
    [
      'forgets the refund',
      withHttp((exchange, request, ms) => (request.path.endsWith('/refund') ? Promise.resolve(answer(200, {})) : exchange(request, ms))),
      /its payment is captured|at the gateway/,
    ],
    [
      'takes a call without an answer for a refusal',
      withHttp((exchange, ...call) => exchange(...call).catch(() => answer(402, { code: 'timeout' }))),
      /its payment is|at the gateway/,
    ],
    ['keeps no timers', withProcess(({ engine }) => (engine.work.schedule = () => Promise.resolve())), /not settled/],
    [
      'never releases what it reserved',
      withProcess(({ engine }) => {
        const append = engine.store.append.bind(engine.store);
        const isRelease = ({ type }: { type: string }): boolean => type === 'StockReleased';
        const without = (request: AppendRequest): AppendRequest => ({
          ...request,
          writes: request.writes.filter(({ events }) => !events.some(isRelease)),
        });
        engine.store.append = (requests, client) => append(requests.map(without), client);
      }),
      /reserved for ever|not settled/,
    ],
    [
      'is done with a message before it is decided',
      withProcess(({ engine }) => {
        const submit = engine.runner.submit.bind(engine.runner);
        engine.runner.submit = (orderId, input, cause) => {
          if (input.type !== 'StartFulfilment') return submit(orderId, input, cause);
          submit(orderId, input, cause).catch(() => undefined);
          return Promise.resolve({ outcome: 'appended' });
        };
      }),
      /not settled/,
    ],
  ];

  it.each(variants)(
    'one that %s',
    async (_what, start, told) => {
      const failure = await firstFailure(fulfilmentSimulatorOf(start), 1, PATIENCE);
      expect(failure?.violations.join('\n')).toMatch(told);
    },
    120_000,
  );
});
