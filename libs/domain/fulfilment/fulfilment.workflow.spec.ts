/** Proves that the fulfilment saga ends every order with money and stock accounted for, whatever the gateway and the customer do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consequencesOf, mayTouchStock } from './fulfilment.consequences.js';
import type { FulfilmentEvent } from './fulfilment.events.js';
import { evolveFulfilment, type FulfilmentState } from './fulfilment.state.js';
import {
  decideFulfilment,
  initialFulfilment,
  MAX_ATTEMPTS,
  nextAction,
  type FulfilmentInput,
  type GatewayPaymentStatus,
} from './fulfilment.workflow.js';

const start: FulfilmentInput = {
  type: 'StartFulfilment',
  orderId: 'o1',
  items: [{ sku: '85123A', quantity: 6 }],
  amount: 1530,
  currency: 'GBP',
  paymentToken: 'tok_ok',
};
const done = (operation: 'authorize' | 'capture' | 'void' | 'refund'): FulfilmentInput => ({
  type: 'GatewayDone',
  operation,
  gatewayId: 'g1',
});
const unknown = (operation: 'authorize' | 'capture' | 'void' | 'refund'): FulfilmentInput => ({
  type: 'GatewayUnknown',
  operation,
  detail: 'timeout',
});
const found = (operation: 'authorize' | 'capture' | 'void' | 'refund', payment: GatewayPaymentStatus): FulfilmentInput => ({
  type: 'GatewayFound',
  operation,
  payment,
  gatewayId: null,
});
const cancel: FulfilmentInput = { type: 'RequestCancellation', reason: 'changed my mind' };

function run(...inputs: FulfilmentInput[]): { events: FulfilmentEvent[]; last: FulfilmentEvent[]; state: FulfilmentState } {
  let state = initialFulfilment;
  let last: FulfilmentEvent[] = [];
  const events: FulfilmentEvent[] = [];
  for (const input of inputs) {
    last = decideFulfilment(input, state);
    state = last.reduce(evolveFulfilment, state);
    events.push(...last);
  }
  return { events, last, state };
}

/** Events in one line each: `type` or `type:step` or `type:outcome`. */
const brief = (events: readonly FulfilmentEvent[]): string[] =>
  events.map((event) => {
    const data = event.data as { step?: string; outcome?: string };
    return [event.type.replace('Fulfilment', ''), data.step ?? data.outcome].filter(Boolean).join(':');
  });

describe('the fulfilment saga', () => {
  it('reserves, authorizes, captures, confirms', () => {
    const { events, state } = run(start, { type: 'StockReserved' }, done('authorize'), done('capture'));
    expect(brief(events)).toEqual([
      'Started',
      'StepCompleted:reserve',
      'StepDispatched:authorize',
      'StepCompleted:authorize',
      'StepDispatched:capture',
      'StepCompleted:capture',
      'StepCompleted:confirm',
      'Completed:confirmed',
    ]);
    expect(state.status).toBe('confirmed');
  });

  it('writes the undo of a step before the step leaves', () => {
    const { last } = run(start, { type: 'StockReserved' });
    expect(last.at(-1)).toMatchObject({ type: 'FulfilmentStepDispatched', data: { step: 'authorize', undo: 'void' } });
    expect(run(start, { type: 'StockReserved' }, done('authorize')).last.at(-1)).toMatchObject({
      data: { step: 'capture', undo: 'refund' },
    });
  });

  it('rejects an order that is out of stock without asking for money', () => {
    const { events, state } = run(start, { type: 'StockRefused', shortages: [{ sku: '85123A', requested: 6, available: 2 }] });
    expect(brief(events)).toEqual(['Started', 'StepRefused:reserve', 'Completed:rejected']);
    expect(state).toMatchObject({ status: 'rejected', refusal: { code: 'out-of-stock' } });
  });

  it('releases the reservation when the payment is declined', () => {
    const { last, state } = run(
      start,
      { type: 'StockReserved' },
      { type: 'GatewayDeclined', operation: 'authorize', code: 'do-not-honour', detail: 'no' },
    );
    expect(brief(last)).toEqual(['StepRefused:authorize', 'StepCompleted:release', 'Completed:rejected']);
    expect(state).toMatchObject({ goods: 'none', money: 'none', refusal: { code: 'payment-declined', detail: 'do-not-honour: no' } });
  });

  it('voids the authorization when the capture is declined', () => {
    const { state } = run(start, { type: 'StockReserved' }, done('authorize'), {
      type: 'GatewayDeclined',
      operation: 'capture',
      code: 'x',
      detail: 'y',
    });
    expect(nextAction(state)).toMatchObject({ kind: 'send', operation: 'void' });
  });

  it('asks by reference after an unknown outcome, and sends again only when the gateway never did it', () => {
    const before = run(start, { type: 'StockReserved' }, unknown('authorize'));
    expect(nextAction(before.state)).toEqual({ kind: 'look-up', operation: 'authorize', attempt: 2 });
    const charged = run(start, { type: 'StockReserved' }, unknown('authorize'), found('authorize', 'authorized'));
    expect(nextAction(charged.state)).toMatchObject({ kind: 'send', operation: 'capture' });
    const never = run(start, { type: 'StockReserved' }, unknown('authorize'), found('authorize', 'none'));
    expect(nextAction(never.state)).toEqual({ kind: 'send', operation: 'authorize', attempt: 2 });
  });

  it('parks after too many unknown outcomes and goes on when an operator retries', () => {
    const unknowns = Array.from({ length: MAX_ATTEMPTS }, () => unknown('authorize'));
    const { state } = run(start, { type: 'StockReserved' }, ...unknowns);
    expect(state).toMatchObject({ status: 'parked', code: 'gateway-outcome-unknown', operation: 'authorize' });
    const resumed = run(start, { type: 'StockReserved' }, ...unknowns, {
      type: 'ResumeFulfilment',
      mode: 'retry',
      reason: 'gateway is back',
    });
    expect(nextAction(resumed.state)).toEqual({ kind: 'look-up', operation: 'authorize', attempt: 1 });
  });

  it('rejects a parked order an operator gives up, after making sure no money was taken', () => {
    const unknowns = Array.from({ length: MAX_ATTEMPTS }, () => unknown('authorize'));
    const giveUp: FulfilmentInput = { type: 'ResumeFulfilment', mode: 'compensate', reason: 'customer waits no longer' };
    const { state } = run(start, { type: 'StockReserved' }, ...unknowns, giveUp, found('authorize', 'none'));
    expect(state).toMatchObject({ status: 'rejected', goods: 'none', money: 'none', refusal: { code: 'operator' } });
  });

  it('parks when the gateway’s book contradicts ours', () => {
    const { state } = run(start, { type: 'StockReserved' }, unknown('authorize'), found('authorize', 'refunded'));
    expect(state).toMatchObject({ status: 'parked', code: 'gateway-contradiction' });
  });

  it.each([
    ['while authorizing', [start, { type: 'StockReserved' }, cancel, done('authorize')], 'void'],
    ['while capturing', [start, { type: 'StockReserved' }, done('authorize'), cancel, done('capture')], 'refund'],
    ['after confirmation', [start, { type: 'StockReserved' }, done('authorize'), done('capture'), cancel], 'refund'],
  ] as const)('gives the money back when the order is cancelled %s', (_when, inputs, undo) => {
    const { state } = run(...(inputs as readonly FulfilmentInput[]));
    expect(nextAction(state)).toMatchObject({ kind: 'send', operation: undo });
    const { state: end } = run(...(inputs as readonly FulfilmentInput[]), done(undo));
    expect(end).toMatchObject({ status: 'cancelled', goods: 'none', money: 'none' });
  });

  it('ignores repeated, late and foreign inputs', () => {
    const confirmed = [start, { type: 'StockReserved' }, done('authorize'), done('capture')] as const;
    for (const late of [start, done('authorize'), done('capture'), unknown('capture'), { type: 'StockReserved' }] as FulfilmentInput[]) {
      expect(run(...confirmed, late).last).toEqual([]);
    }
    expect(run(...confirmed, cancel, done('refund'), cancel).last).toEqual([]);
    expect(run(cancel).last).toEqual([]);
  });
});

/** A gateway with a true book, whose answers may get lost before or after it acted. */
class Gateway {
  status: GatewayPaymentStatus = 'none';

  send(operation: string, luck: 'ok' | 'decline' | 'lost-before' | 'lost-after'): FulfilmentInput {
    const op = operation as 'authorize' | 'capture' | 'void' | 'refund';
    if (luck === 'lost-before') return unknown(op);
    if (luck === 'decline' && op === 'authorize' && this.status === 'none') {
      this.status = 'declined';
      return { type: 'GatewayDeclined', operation: op, code: 'declined', detail: 'by luck' };
    }
    const after = { authorize: 'authorized', capture: 'captured', void: 'voided', refund: 'refunded' } as const;
    this.status = after[op];
    return luck === 'lost-after' ? unknown(op) : done(op);
  }
}

describe('the fulfilment saga, under any luck', () => {
  const luck = fc.constantFrom('ok', 'ok', 'decline', 'lost-before', 'lost-after');
  const step = fc.record({ luck, cancelBefore: fc.integer({ min: 0, max: 9 }).map((n) => n === 0), repeat: fc.boolean() });

  const healed = Array.from({ length: 12 }, () => ({ luck: 'ok' as const, cancelBefore: false, repeat: false }));

  it('always ends, holds neither goods nor money unless confirmed, and agrees with the gateway’s book', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.boolean(), (steps, inStock) => {
        const gateway = new Gateway();
        let state = initialFulfilment;
        const take = (input: FulfilmentInput): void => {
          const events = decideFulfilment(input, state);
          for (const event of events) {
            state = evolveFulfilment(state, event);
            if (state.status === 'not-started') throw new Error('an event left the saga not started');
            const touches = consequencesOf(event, state).some((consequence) => consequence.category === 'stock');
            if (touches) expect(mayTouchStock(input)).toBe(true);
          }
        };
        take(start);
        take(inStock ? { type: 'StockReserved' } : { type: 'StockRefused', shortages: [] });
        for (const { luck: fate, cancelBefore, repeat } of [...steps, ...healed]) {
          if (cancelBefore) take(cancel);
          const action = nextAction(state);
          if (state.status === 'parked') {
            take({ type: 'ResumeFulfilment', mode: repeat ? 'retry' : 'compensate', reason: 'test' });
          } else if (action.kind === 'send') {
            const answer = gateway.send(action.operation, fate);
            take(answer);
            if (repeat) take(answer);
          } else if (action.kind === 'look-up') {
            take(found(action.operation, gateway.status));
          }
        }
        expect(['confirmed', 'rejected', 'cancelled']).toContain(state.status);
        const ended = state as Extract<FulfilmentState, { status: 'confirmed' | 'rejected' | 'cancelled' }>;
        expect(ended).toMatchObject(
          state.status === 'confirmed' ? { goods: 'shipped', money: 'captured' } : { goods: 'none', money: 'none' },
        );
        expect(gateway.status === 'captured').toBe(state.status === 'confirmed');
        expect(gateway.status).not.toBe('authorized');
      }),
      { numRuns: 2_000, seed: 20_101_201 },
    );
  });
});
