/**
 * Proves that the saga's code and its table of steps are one: driven through every situation it can reach with every input there is,
 * late and foreign ones included, the code takes exactly the steps of the table; and that no answer of a gateway, true or not, leads to
 * a step that an order, payment or stock would refuse.
 */
import { describe, expect, it } from 'vitest';
import { DomainError } from '../domain-error.js';
import { orderDecider, type OrderState } from '../order/order.decider.js';
import { paymentDecider, type PaymentState } from '../payment/payment.decider.js';
import type { PaymentOperation } from '../payment/payment.events.js';
import { stockDecider, type StockState } from '../stock/stock.decider.js';
import { consequencesOf, reservationOf, type Consequence } from './fulfilment.consequences.js';
import { evolveFulfilment, type FulfilmentState } from './fulfilment.state.js';
import {
  FIRST_SITUATION,
  FULFILMENT_STEPS,
  sagaRows,
  situationName,
  type SagaEffect,
  type SagaInput,
  type SagaSituation,
} from './fulfilment.table.js';
import { decideFulfilment, initialFulfilment, MAX_ATTEMPTS, nextAction, type FulfilmentInput } from './fulfilment.workflow.js';

const ORDER = 'o1';
const SKU = '85123A';
const LINE = { sku: SKU, description: null, quantity: 2, unitPrice: 100 };
const OPERATIONS: readonly PaymentOperation[] = ['authorize', 'capture', 'void', 'refund'];

const start: FulfilmentInput = {
  type: 'StartFulfilment',
  orderId: ORDER,
  items: [{ sku: SKU, quantity: 2 }],
  amount: 200,
  currency: 'GBP',
  paymentToken: 'tok_ok',
};

/** Every input there is, by its name in the table; those of the gateway for each operation. */
const INPUTS: readonly { name: SagaInput; operation?: PaymentOperation; input: FulfilmentInput }[] = [
  { name: 'start', input: start },
  { name: 'stock-reserved', input: { type: 'StockReserved' } },
  { name: 'stock-refused', input: { type: 'StockRefused', shortages: [{ sku: SKU, requested: 2, available: 0 }] } },
  { name: 'cancel', input: { type: 'RequestCancellation', reason: 'changed my mind' } },
  { name: 'retry', input: { type: 'ResumeFulfilment', mode: 'retry', reason: 'seen to' } },
  { name: 'give-up', input: { type: 'ResumeFulfilment', mode: 'compensate', reason: 'seen to' } },
  { name: 'proven-done', input: { type: 'ResolveFulfilment', outcome: 'done', evidence: 'seen in its records', reference: 'CASE-1' } },
  {
    name: 'proven-not-done',
    input: { type: 'ResolveFulfilment', outcome: 'not-done', evidence: 'seen in its records', reference: 'CASE-1' },
  },
  ...OPERATIONS.flatMap((operation) => [
    { name: 'done' as const, operation, input: { type: 'GatewayDone' as const, operation, gatewayId: 'g1' } },
    { name: 'declined' as const, operation, input: { type: 'GatewayDeclined' as const, operation, code: 'no', detail: 'no' } },
    { name: 'rejected' as const, operation, input: { type: 'GatewayRejected' as const, operation, code: 'no', detail: 'no' } },
    { name: 'unknown' as const, operation, input: { type: 'GatewayUnknown' as const, operation, detail: 'timeout' } },
    ...(['none', 'authorized', 'captured', 'declined', 'voided', 'refunded'] as const).map((payment) => ({
      name: `found-${payment}` as const,
      operation,
      input: { type: 'GatewayFound' as const, operation, payment, gatewayId: payment === 'none' ? null : 'g1' },
    })),
  ]),
];

interface Taken {
  readonly state: FulfilmentState;
  readonly consequences: readonly Consequence[];
  readonly effects: readonly SagaEffect[];
}

/** What the code makes of an input; undefined when nothing. */
function take(input: FulfilmentInput, before: FulfilmentState): Taken | undefined {
  let state = before;
  const consequences: Consequence[] = [];
  for (const event of decide(input, before)) {
    state = evolveFulfilment(state, event);
    if (state.status === 'not-started') throw new Error('an event left the saga not started');
    consequences.push(...consequencesOf(event, state));
  }
  if (state === before) return undefined;
  const action = nextAction(state);
  if (action.kind === 'reserve' && before.status === 'not-started' && state.status !== 'not-started') {
    consequences.push(...reservationOf(state));
  }
  // As the runner does: a step that was waited for before is on its way already.
  const isNew = JSON.stringify(action) !== JSON.stringify(nextAction(before));
  const calls: SagaEffect[] = isNew && (action.kind === 'send' || action.kind === 'look-up') ? [action.kind] : [];
  return { state, consequences, effects: [...consequences.map(({ command }) => command.type), ...calls] };
}

function decide(input: FulfilmentInput, state: FulfilmentState): ReturnType<typeof decideFulfilment> {
  try {
    return decideFulfilment(input, state);
  } catch (error) {
    // An operator is told that there is nothing to resume or to resolve.
    if (error instanceof DomainError && (input.type === 'ResumeFulfilment' || input.type === 'ResolveFulfilment')) return [];
    throw error;
  }
}

function situationOf(state: FulfilmentState): SagaSituation {
  if (state.status === 'not-started') return FIRST_SITUATION;
  if (state.status === 'deciding') throw new Error('a decision ended between two steps');
  const { status, goal, goods, money } = state;
  const step = state.status === 'paying' || state.status === 'parked' ? state.operation : 'none';
  const ask = state.status === 'paying' ? (state.unknown ? 'look-up' : 'send') : 'none';
  return { status, goal, goods, money, step, ask };
}

/** The code may count attempts; the table only knows the last one. */
const nameOf = (name: SagaInput, state: FulfilmentState): SagaInput =>
  name === 'unknown' && state.status === 'paying' && state.attempt >= MAX_ATTEMPTS ? 'unknown-again' : name;

describe('the table of the fulfilment saga', () => {
  const rows = new Map(sagaRows().map((row) => [`${situationName(row.from)} · ${row.input}`, row]));

  it('has no rule that never holds', () => {
    const used = new Set([...rows.values()].map(({ rule }) => rule));
    expect(FULFILMENT_STEPS.filter((rule) => !used.has(rule))).toEqual([]);
  });

  it('says what the code does, in every situation and for every input, and nothing else', () => {
    const notTaken = new Set(rows.keys());
    const partings: string[] = [];
    const seen = new Map<string, FulfilmentState>([['', initialFulfilment]]);
    for (const state of seen.values()) {
      const from = situationOf(state);
      for (const { name, operation, input } of INPUTS) {
        const isForeign = operation !== undefined && operation !== from.step;
        const key = `${situationName(from)} · ${nameOf(name, state)}`;
        const row = isForeign ? undefined : rows.get(key);
        const taken = take(input, state);
        const said = row && `${situationName(row.to)} [${row.effects}]`;
        const done = taken && `${situationName(situationOf(taken.state))} [${taken.effects}]`;
        if (said !== done) partings.push(`${key}${isForeign ? ` of ${operation}` : ''}: the table says ${said}, the code does ${done}`);
        if (row !== undefined) notTaken.delete(key);
        if (taken === undefined) continue;
        const attempt = taken.state.status === 'paying' ? taken.state.attempt : 0;
        const id = `${situationName(situationOf(taken.state))} ${attempt}`;
        if (!seen.has(id)) seen.set(id, taken.state);
      }
    }
    expect(partings).toEqual([]);
    expect([...notTaken]).toEqual([]);
    expect(seen.size).toBeGreaterThan(200);
  });

  it('leads to no command that an order, a payment or stock refuses, whatever the gateway says and whenever the customer cancels', () => {
    const refusals = new Set<string>();
    const seen = new Map<string, World>([['', firstWorld()]]);
    for (const world of seen.values()) {
      const cancelled = cancelledOrder(world);
      for (const { input } of INPUTS) {
        for (const given of cancelled === undefined ? [world] : [world, cancelled]) {
          try {
            const next = carriedOut(input, given);
            if (!seen.has(describeWorld(next))) seen.set(describeWorld(next), next);
          } catch (error) {
            if (!(error instanceof DomainError)) throw error;
            refusals.add(`${situationName(situationOf(given.saga))} · ${JSON.stringify(input)}: ${error.code}`);
          }
        }
      }
    }
    expect([...refusals]).toEqual([]);
    expect(seen.size).toBeGreaterThan(300);
  });
});

interface World {
  readonly saga: FulfilmentState;
  readonly order: OrderState;
  readonly payment: PaymentState;
  readonly stock: StockState;
}

function firstWorld(): World {
  const placed = orderDecider.decide(
    {
      type: 'PlaceOrder',
      data: {
        orderId: ORDER,
        reference: null,
        customer: { id: 'c1', name: null, email: null, country: null },
        currency: 'GBP',
        lines: [LINE],
        paymentToken: 'tok_ok',
      },
    },
    orderDecider.initialState,
  );
  const received = stockDecider.decide(
    { type: 'ReceiveStock', data: { sku: SKU, quantity: 2, reference: null } },
    stockDecider.initialState,
  );
  return {
    saga: initialFulfilment,
    order: placed.reduce(orderDecider.evolve, orderDecider.initialState),
    payment: paymentDecider.initialState,
    stock: received.reduce(stockDecider.evolve, stockDecider.initialState),
  };
}

/** The customer cancels; undefined where that is refused. */
function cancelledOrder(world: World): World | undefined {
  if (world.order.status !== 'placed' && world.order.status !== 'confirmed') return undefined;
  const events = orderDecider.decide({ type: 'CancelOrder', data: { orderId: ORDER, reason: 'changed my mind' } }, world.order);
  return { ...world, order: events.reduce(orderDecider.evolve, world.order) };
}

/** The input decided and carried out, after what the order itself says; see DecisionBatch of the orchestrator. */
function carriedOut(input: FulfilmentInput, world: World): World {
  const isCancelled = world.order.status === 'cancelled';
  const inputs: FulfilmentInput[] = [input];
  if (isCancelled && input.type !== 'RequestCancellation') inputs.unshift({ type: 'RequestCancellation', reason: 'changed my mind' });
  if (isCancelled && input.type === 'StartFulfilment') inputs.push({ type: 'RequestCancellation', reason: 'changed my mind' });
  let next = world;
  // Only the order's own stream tells the saga of a cancellation.
  for (const one of inputs.filter((candidate) => isCancelled || candidate.type !== 'RequestCancellation')) {
    const taken = take(one, next.saga);
    if (taken === undefined) continue;
    next = { ...next, saga: taken.state };
    for (const consequence of taken.consequences) next = afterCommand(consequence, next);
  }
  return next;
}

function afterCommand({ category, command }: Consequence, world: World): World {
  if (category === 'order') return { ...world, order: orderDecider.decide(command, world.order).reduce(orderDecider.evolve, world.order) };
  if (category === 'payment')
    return { ...world, payment: paymentDecider.decide(command, world.payment).reduce(paymentDecider.evolve, world.payment) };
  return { ...world, stock: stockDecider.decide(command, world.stock).reduce(stockDecider.evolve, world.stock) };
}

/** Attempts but the last make no difference here. */
function describeWorld({ saga, order, payment, stock }: World): string {
  const isLast = saga.status === 'paying' && saga.attempt >= MAX_ATTEMPTS ? 'last' : saga.status === 'paying' ? saga.attempt : '';
  const { onHand, reserved, shipped } = stock;
  return [situationName(situationOf(saga)), isLast, order.status, payment.status, onHand, reserved, shipped].join(' ');
}
