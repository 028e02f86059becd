// Proves for any order in which the gateway's answers may arrive: money is captured once, refunded at most as captured, never both voided and taken.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold } from '../domain-event.js';
import { domainEventTypes, eventCategory } from '../event-catalogue.js';
import { live } from '../testing/given-when-then.js';
import type { PaymentCommand } from './payment.commands.js';
import { paymentDecider, type PaymentState } from './payment.decider.js';
import type { PaymentEvent, PaymentOperation } from './payment.events.js';

const orderId = 'o-1';
const amount = fc.oneof({ weight: 12, arbitrary: fc.constant(1530) }, { weight: 1, arbitrary: fc.constantFrom(1529, 1531, 0, -1) });
const operation = fc.constantFrom<PaymentOperation>('authorize', 'capture', 'void', 'refund');
const request = amount.map((some): PaymentCommand => ({
  type: 'RequestPayment',
  data: { orderId, reference: orderId, amount: some, currency: 'GBP', paymentToken: 'tok_ok' },
}));
const authorization = fc
  .constantFrom('g-1', 'g-1', 'g-1', 'g-2')
  .map((gatewayId): PaymentCommand => ({ type: 'RecordAuthorization', data: { orderId, gatewayId } }));
const captureOrRefund = fc.record({
  type: fc.constantFrom('RecordCapture' as const, 'RecordRefund' as const),
  data: amount.map((some) => ({ orderId, amount: some })),
});
const end = fc.constantFrom<PaymentCommand>(
  { type: 'RecordDecline', data: { orderId, code: 'declined', detail: 'no' } },
  { type: 'RecordVoid', data: { orderId } },
);
const unknownOutcome = operation.map((some): PaymentCommand => ({
  type: 'RecordUnknownOutcome',
  data: { orderId, operation: some, detail: 'timeout' },
}));
// Weighted towards what leads somewhere: evenly drawn, nearly every payment is voided or declined at once.
const command: fc.Arbitrary<PaymentCommand> = fc.oneof(
  { weight: 3, arbitrary: request },
  { weight: 4, arbitrary: authorization },
  { weight: 6, arbitrary: captureOrRefund },
  { weight: 1, arbitrary: end },
  { weight: 4, arbitrary: unknownOutcome },
);
const commands = fc.array(command, { maxLength: 30, size: 'max' });
const forAnyHistory = (check: (steps: ReturnType<typeof live<PaymentState, PaymentCommand, PaymentEvent>>) => void) =>
  fc.assert(
    fc.property(commands, (some) => check(live(paymentDecider, some))),
    { seed: 20101201, numRuns: 1_000 },
  );

const sum = (events: readonly PaymentEvent[], type: 'PaymentCaptured' | 'PaymentRefunded') =>
  events.reduce((total, event) => (event.type === type && 'amount' in event.data ? total + event.data.amount : total), 0);

describe('any history of a payment', () => {
  it('captures at most what was requested and refunds at most what was captured, at any moment', () => {
    forAnyHistory((steps) => {
      const events: PaymentEvent[] = [];
      for (const step of steps) {
        events.push(...step.events);
        const requested = step.after.status === 'absent' ? 0 : step.after.amount;
        expect(sum(events, 'PaymentCaptured')).toBeLessThanOrEqual(requested);
        expect(sum(events, 'PaymentRefunded')).toBeLessThanOrEqual(sum(events, 'PaymentCaptured'));
      }
    });
  });

  it('has each fact at most once, and never both a void and a capture, or a decline and an authorization', () => {
    forAnyHistory((steps) => {
      const facts = steps.flatMap((step) => step.events.map((event) => event.type)).filter((type) => type !== 'PaymentOutcomeUnknown');
      expect(new Set(facts).size).toBe(facts.length);
      expect(facts.includes('PaymentVoided') && facts.includes('PaymentCaptured')).toBe(false);
      expect(facts.includes('PaymentDeclined') && facts.includes('PaymentAuthorized')).toBe(false);
    });
  });

  it('moves only along the allowed paths, and nothing leaves refunded, declined or voided', () => {
    const paths: Record<PaymentState['status'], PaymentState['status'][]> = {
      absent: ['requested'],
      requested: ['authorized', 'declined', 'voided'],
      authorized: ['captured', 'voided'],
      captured: ['refunded'],
      refunded: [],
      declined: [],
      voided: [],
    };
    forAnyHistory((steps) => {
      for (const { before, events, after } of steps) {
        if (events.length === 0) expect(after).toBe(before);
        else if (events[0]?.type === 'PaymentOutcomeUnknown') expect({ ...after, unknown: [] }).toEqual({ ...before, unknown: [] });
        else expect(paths[before.status]).toContain(after.status);
      }
    });
  });

  it('gives nothing for a command that was just carried out', () => {
    forAnyHistory((steps) => {
      for (const step of steps) {
        if (step.refusal === undefined) expect(paymentDecider.decide(step.command, step.after)).toEqual([]);
      }
    });
  });

  it('has nothing unknown once it has ended', () => {
    forAnyHistory((steps) => {
      for (const { after } of steps) {
        if (after.status === 'refunded' || after.status === 'declined' || after.status === 'voided') expect(after.unknown).toEqual([]);
      }
    });
  });

  it('folds again from its events, also from a snapshot that went through JSON', () => {
    forAnyHistory((steps) => {
      const events = steps.flatMap((step) => step.events);
      const end = steps.at(-1)?.after ?? paymentDecider.initialState;
      const half = Math.floor(events.length / 2);
      expect(fold(paymentDecider, events)).toEqual(end);
      const snapshot = JSON.parse(JSON.stringify(fold(paymentDecider, events.slice(0, half)))) as PaymentState;
      expect(fold(paymentDecider, events.slice(half), snapshot)).toEqual(end);
    });
  });

  it('is drawn widely enough to hold every event there is, often', () => {
    const seen = new Map<string, number>();
    forAnyHistory((steps) => {
      for (const event of steps.flatMap((step) => step.events)) seen.set(event.type, (seen.get(event.type) ?? 0) + 1);
    });
    expect([...seen.keys()].sort()).toEqual(domainEventTypes.filter((type) => eventCategory(type) === 'payment').sort());
    expect(Math.min(...seen.values())).toBeGreaterThan(50);
  });
});
