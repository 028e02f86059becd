/** Proves that the workflow keeps its promises over many seeds, that a seed replays, and that a broken workflow is found out. */
import type { FulfilmentInput } from '#domain';
import { describe, expect, it } from 'vitest';
import { firstFailure, runRange } from '../seed-run.js';
import { workflowSimulator, workflowSimulatorOf } from './workflow.simulator.js';
import { decideForReal, type Decide } from './workflow-world.js';

const SEEDS = 1_500;
/** A broken variant that survives so many seeds is not found. */
const PATIENCE = 1_000;

it(`${SEEDS} seeds: money and stock add up, every order ends`, async () => {
  expect((await runRange(workflowSimulator, 1, SEEDS)).failures).toEqual([]);
});

it('the same seed gives the same trace', async () => {
  const first = await workflowSimulator.simulate(42);
  const again = await workflowSimulator.simulate(42, true);
  expect(again).toEqual({ ...first, trace: again.trace });
  expect(again.trace.length).toBeGreaterThan(10);
});

const withInput =
  (change: (input: FulfilmentInput) => FulfilmentInput): Decide =>
  (states, orderId, input) =>
    decideForReal(states, orderId, change(input));

/** Takes a step at the gateway for done as soon as it is due. */
const skipping =
  (step: 'refund' | 'void'): Decide =>
  (states, orderId, input) => {
    const decision = decideForReal(states, orderId, input);
    if (decision.action.kind !== 'send' || decision.action.operation !== step) return decision;
    const next = decideForReal(states, orderId, { type: 'GatewayDone', operation: step, gatewayId: null });
    return { ...next, writes: [...decision.writes, ...next.writes] };
  };

describe('a broken variant is found out', () => {
  const variants: [string, Decide, RegExp][] = [
    ['forgets the refund', skipping('refund'), /its payment is captured/],
    ['forgets the void', skipping('void'), /its payment is (authorized|captured)/],
    [
      'takes a call without an answer for a refusal',
      withInput((input) => (input.type === 'GatewayUnknown' ? { ...input, type: 'GatewayDeclined', code: 'timeout' } : input)),
      /its payment is|not settled/,
    ],
    [
      'takes a call without an answer for done',
      withInput((input) => (input.type === 'GatewayUnknown' ? { ...input, type: 'GatewayDone', gatewayId: null } : input)),
      /its payment is|not settled/,
    ],
    [
      'reserves without asking whether there is enough',
      (states, orderId, input) => {
        for (const [id, { version, state }] of states.stock)
          states.stock.set(id, { version, state: { ...state, onHand: state.onHand + 100 } });
        return decideForReal(states, orderId, input);
      },
      /on hand|do not add up/,
    ],
  ];

  it.each(variants)('one that %s', async (_what, decide, told) => {
    const failure = await firstFailure(workflowSimulatorOf(decide), 1, PATIENCE);
    expect(failure?.violations.join('\n')).toMatch(told);
  });
});
