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
const reserved: FulfilmentInput = { type: 'StockReserved' };
const resume = (mode: 'retry' | 'compensate'): FulfilmentInput => ({ type: 'ResumeFulfilment', mode, reason: 'seen to' });
const resolve = (outcome: 'done' | 'not-done'): FulfilmentInput => ({
  type: 'ResolveFulfilment',
  outcome,
  evidence: 'seen in the gateway’s own records',
  reference: 'CASE-1',
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

  it('rejects a parked order an operator gives up, after voiding what may still be on its way', () => {
    const unknowns = Array.from({ length: MAX_ATTEMPTS }, () => unknown('authorize'));
    const given = [start, reserved, ...unknowns, resume('compensate'), found('authorize', 'none')];
    expect(nextAction(run(...given).state)).toMatchObject({ kind: 'send', operation: 'void' });
    expect(run(...given, done('void')).state).toMatchObject({
      status: 'rejected',
      goods: 'none',
      money: 'none',
      refusal: { code: 'operator' },
    });
  });

  it('does not close a cancelled order on a look-up that knows nothing: it voids by reference', () => {
    const { state } = run(start, reserved, unknown('authorize'), cancel, found('authorize', 'none'));
    expect(nextAction(state)).toMatchObject({ kind: 'send', operation: 'void' });
  });

  it('refunds a capture that was given up and landed after all', () => {
    const { state } = run(
      start,
      reserved,
      done('authorize'),
      cancel,
      unknown('capture'),
      found('capture', 'authorized'),
      unknown('void'),
      found('void', 'captured'),
    );
    expect(state).toMatchObject({ money: 'captured' });
    expect(nextAction(state)).toMatchObject({ kind: 'send', operation: 'refund' });
  });

  it('parks a request the gateway calls wrong', () => {
    const { state } = run(start, reserved, { type: 'GatewayRejected', operation: 'authorize', code: 'invalid-request', detail: 'amount' });
    expect(state).toMatchObject({ status: 'parked', code: 'gateway-rejected', operation: 'authorize' });
  });

  it.each(['voided', 'captured', 'refunded'] as const)(
    'parks a wanted order the gateway’s book contradicts (%s), and a give-up resolves it',
    (payment) => {
      const contradicted = [start, reserved, unknown('authorize'), found('authorize', payment)];
      expect(run(...contradicted).state).toMatchObject({ status: 'parked', code: 'gateway-contradiction' });
      let { state } = run(...contradicted, resume('compensate'), found('authorize', payment));
      for (let step = 0; step < 4 && state.status === 'paying'; step += 1) {
        const { operation, unknown: isOpen } = state;
        const ends = operation === 'void' && payment === 'voided' ? [done('void')] : operation === 'refund' ? [done('refund')] : [];
        const inputs = ends.length > 0 ? ends : isOpen ? [found(operation, payment)] : [unknown(operation)];
        state = inputs.flatMap((input) => decideFulfilment(input, state)).reduce(evolveFulfilment, state);
      }
      expect(state).toMatchObject({ status: 'rejected', goods: 'none', money: 'none' });
    },
  );

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

  it('tells an operator that there is nothing to resume', () => {
    expect(() => run(resume('retry'))).toThrow(expect.objectContaining({ code: 'fulfilment.not-found' }));
    expect(() => run(start, reserved, resume('retry'))).toThrow(expect.objectContaining({ code: 'fulfilment.not-parked' }));
  });

  it('goes on from what an operator proves of the step it is parked at', () => {
    const wrong = (operation: Operation): FulfilmentInput => ({ type: 'GatewayRejected', operation, code: 'invalid', detail: '-' });
    const authorized = run(start, reserved, wrong('authorize'), resolve('done'));
    expect(brief(authorized.last)).toEqual(['Resolved:authorize', 'StepCompleted:authorize', 'StepDispatched:capture']);
    const captured = run(start, reserved, done('authorize'), wrong('capture'), resolve('done'));
    expect(captured.state).toMatchObject({ status: 'confirmed', goods: 'shipped', money: 'captured' });
    const refunded = run(start, reserved, done('authorize'), done('capture'), cancel, wrong('refund'), resolve('done'));
    expect(refunded.state).toMatchObject({ status: 'cancelled', goods: 'none', money: 'none' });
  });

  it('does not close an order on an operator’s "not done" either: it voids by reference first', () => {
    const wrong = (operation: Operation): FulfilmentInput => ({ type: 'GatewayRejected', operation, code: 'invalid', detail: '-' });
    for (const inputs of [
      [start, reserved, wrong('authorize'), resolve('not-done')],
      [start, reserved, done('authorize'), wrong('capture'), resolve('not-done')],
    ]) {
      expect(nextAction(run(...inputs).state)).toMatchObject({ kind: 'send', operation: 'void' });
      expect(run(...inputs, done('void')).state).toMatchObject({
        status: 'rejected',
        goods: 'none',
        money: 'none',
        refusal: { code: 'operator' },
      });
    }
  });

  it('refuses a resolution that is impossible, without evidence, or of what is not parked', () => {
    const parkedAtRefund = [
      start,
      reserved,
      done('authorize'),
      done('capture'),
      cancel,
      { type: 'GatewayRejected', operation: 'refund', code: 'invalid', detail: '-' } as const,
    ];
    expect(() => run(...parkedAtRefund, resolve('not-done'))).toThrow(
      expect.objectContaining({ code: 'fulfilment.resolution-impossible' }),
    );
    for (const lacking of [{ evidence: ' ' }, { reference: '' }, { reference: 'a\nb' }, { evidence: 'x'.repeat(2_001) }]) {
      expect(() => run(...parkedAtRefund, { ...resolve('done'), ...lacking } as FulfilmentInput)).toThrow(
        expect.objectContaining({ code: 'fulfilment.evidence-invalid' }),
      );
    }
    expect(() => run(resolve('done'))).toThrow(expect.objectContaining({ code: 'fulfilment.not-found' }));
    expect(() => run(start, reserved, resolve('done'))).toThrow(expect.objectContaining({ code: 'fulfilment.not-parked' }));
  });

  it('ignores repeated, late and foreign inputs', () => {
    const confirmed = [start, { type: 'StockReserved' }, done('authorize'), done('capture')] as const;
    for (const late of [start, done('authorize'), done('capture'), unknown('capture'), { type: 'StockReserved' }] as FulfilmentInput[]) {
      expect(run(...confirmed, late).last).toEqual([]);
    }
    expect(run(...confirmed, cancel, done('refund'), cancel).last).toEqual([]);
    expect(run(cancel).last).toEqual([]);
  });

  it('takes no answer of one step for that of another', () => {
    const capturing = [start, reserved, done('authorize')] as const;
    const declined: FulfilmentInput = { type: 'GatewayDeclined', operation: 'authorize', code: 'declined', detail: 'late' };
    for (const foreign of [done('authorize'), declined, unknown('authorize'), found('authorize', 'none'), done('refund'), done('void')]) {
      expect(run(...capturing, foreign).last).toEqual([]);
    }
  });

  it('hears nothing any more once it is rejected or cancelled, a cancellation included', () => {
    const rejected = [start, { type: 'StockRefused', shortages: [] }] as const;
    const cancelled = [start, reserved, cancel, done('authorize'), done('void')] as const;
    expect(run(...rejected).state.status).toBe('rejected');
    expect(run(...cancelled).state.status).toBe('cancelled');
    for (const late of [start, reserved, cancel, done('authorize'), done('capture'), unknown('authorize'), found('void', 'captured')]) {
      expect(run(...rejected, late).last).toEqual([]);
      expect(run(...cancelled, late).last).toEqual([]);
    }
  });
});

type Operation = 'authorize' | 'capture' | 'void' | 'refund';
type Luck = 'ok' | 'decline' | 'lost-before' | 'lost-after' | 'lands-later';

/** A gateway with a true book, whose answers get lost before or after it acted, and to which calls may be on their way for long. */
class Gateway {
  status: GatewayPaymentStatus = 'none';
  private underWay: Operation[] = [];

  send(operation: Operation, luck: Luck): FulfilmentInput {
    if (luck === 'lands-later') this.underWay.push(operation);
    if (luck === 'lands-later' || luck === 'lost-before') return unknown(operation);
    if (luck === 'decline' && operation === 'authorize' && this.status === 'none') {
      this.status = 'declined';
      return { type: 'GatewayDeclined', operation, code: 'declined', detail: 'by luck' };
    }
    // What it answers 409 to is asked about by reference.
    if (!this.act(operation) || luck === 'lost-after') return unknown(operation);
    return done(operation);
  }

  land(): void {
    const operation = this.underWay.shift();
    if (operation !== undefined) this.act(operation);
  }

  private act(operation: Operation): boolean {
    const { from, to } = TRANSITIONS[operation];
    if (this.status === to) return true;
    if (!from.includes(this.status)) return false;
    this.status = to;
    return true;
  }
}

const TRANSITIONS: Record<Operation, { from: readonly GatewayPaymentStatus[]; to: GatewayPaymentStatus }> = {
  // Not from declined: every try has the same idempotency key, and so the same answer.
  authorize: { from: ['none'], to: 'authorized' },
  capture: { from: ['authorized'], to: 'captured' },
  void: { from: ['none', 'authorized'], to: 'voided' },
  refund: { from: ['captured'], to: 'refunded' },
};

/** A truthful operator: resolves where the book settles it (and luck wants it), else retries or gives up. */
function operatorsAct(operation: Operation, book: GatewayPaymentStatus, retries: boolean, fate: Luck): FulfilmentInput {
  if (fate === 'ok' && book === TRANSITIONS[operation].to) return resolve('done');
  if (fate === 'lost-after' && (operation === 'authorize' || operation === 'capture')) return resolve('not-done');
  return resume(retries ? 'retry' : 'compensate');
}

describe('the fulfilment saga, under any luck', () => {
  const luck = fc.constantFrom<Luck>('ok', 'ok', 'decline', 'lost-before', 'lost-after', 'lands-later');
  const step = fc.record({
    luck,
    cancelBefore: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    repeat: fc.boolean(),
    lands: fc.boolean(),
  });
  const healed = Array.from({ length: 14 }, () => ({ luck: 'ok' as const, cancelBefore: false, repeat: false, lands: true }));

  it('always ends, holds neither goods nor money unless confirmed, and agrees with the gateway’s book', () => {
    const ends = { confirmed: 0, rejected: 0, cancelled: 0 };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.boolean(), (steps, inStock) => {
        const gateway = new Gateway();
        let state = initialFulfilment;
        const take = (input: FulfilmentInput): void => {
          for (const event of decideFulfilment(input, state)) {
            state = evolveFulfilment(state, event);
            if (state.status === 'not-started') throw new Error('an event left the saga not started');
            const touches = consequencesOf(event, state).some((consequence) => consequence.category === 'stock');
            if (touches) expect(mayTouchStock(input)).toBe(true);
          }
        };
        take(start);
        take(inStock ? reserved : { type: 'StockRefused', shortages: [] });
        for (const { luck: fate, cancelBefore, repeat, lands } of [...steps, ...healed]) {
          if (cancelBefore) take(cancel);
          if (lands) gateway.land();
          const action = nextAction(state);
          if (state.status === 'parked') {
            take(operatorsAct(state.operation, gateway.status, repeat, fate));
          } else if (action.kind === 'send') {
            const answer = gateway.send(action.operation, fate);
            take(answer);
            if (repeat) take(answer);
          } else if (action.kind === 'look-up') {
            take(found(action.operation, gateway.status));
          }
        }
        // Whatever was still on its way when the saga ended lands now, and must change nothing that matters.
        for (let late = 0; late < 60; late += 1) gateway.land();
        const ended = state as Extract<FulfilmentState, { status: 'confirmed' | 'rejected' | 'cancelled' }>;
        expect(['confirmed', 'rejected', 'cancelled']).toContain(ended.status);
        ends[ended.status] += 1;
        expect(ended).toMatchObject(
          state.status === 'confirmed' ? { goods: 'shipped', money: 'captured' } : { goods: 'none', money: 'none' },
        );
        expect(gateway.status === 'captured').toBe(state.status === 'confirmed');
        expect(gateway.status).not.toBe('authorized');
      }),
      { numRuns: 5_000, seed: 20_101_201 },
    );
    // Generators that never reach an end would prove nothing about it.
    for (const count of Object.values(ends)) expect(count).toBeGreaterThan(100);
  });
});
