// Proves for any history of an order: it ends once, repeats change nothing, its total is the exact sum of its lines.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold } from '../domain-event.js';
import { domainEventTypes, eventCategory } from '../event-catalogue.js';
import { live } from '../testing/given-when-then.js';
import { ORDER_LIMITS } from './order-placement.js';
import type { OrderCommand, PlaceOrder } from './order.commands.js';
import { orderDecider, type OrderState } from './order.decider.js';
import type { OrderEvent } from './order.events.js';

const orderId = 'o-1';
const lines = fc.array(
  fc.record({
    sku: fc.constantFrom('85123A', ' 85123a ', '71053', 'DCGS0003'),
    description: fc.option(fc.string()),
    quantity: fc.oneof({ weight: 30, arbitrary: fc.integer({ min: 1, max: 80_995 }) }, { weight: 1, arbitrary: fc.maxSafeInteger() }),
    unitPrice: fc.oneof({ weight: 30, arbitrary: fc.integer({ min: 0, max: 10_000 }) }, { weight: 1, arbitrary: fc.maxSafeInteger() }),
  }),
  { maxLength: 6 },
);
const place = lines.map((some): PlaceOrder => ({
  type: 'PlaceOrder',
  data: {
    orderId,
    reference: null,
    customer: { id: 'c-1', name: null, email: null, country: null },
    currency: 'GBP',
    lines: some,
    paymentToken: 'tok_ok',
  },
}));
const command: fc.Arbitrary<OrderCommand> = fc.oneof(
  place,
  fc.constant<OrderCommand>({ type: 'ConfirmOrder', data: { orderId } }),
  fc.constant<OrderCommand>({ type: 'RejectOrder', data: { orderId, reason: { code: 'payment-declined', detail: 'declined' } } }),
  fc.constant<OrderCommand>({ type: 'CancelOrder', data: { orderId, reason: 'changed my mind' } }),
);
const commands = fc.array(command, { maxLength: 12, size: 'max' });
const forAnyHistory = (check: (steps: ReturnType<typeof live<OrderState, OrderCommand, OrderEvent>>) => void) =>
  fc.assert(
    fc.property(commands, (some) => check(live(orderDecider, some))),
    { seed: 20101201, numRuns: 500 },
  );

describe('any history of an order', () => {
  it('moves only along the allowed paths', () => {
    const paths: Record<OrderState['status'], OrderState['status'][]> = {
      absent: ['placed'],
      placed: ['confirmed', 'rejected', 'cancelled'],
      confirmed: ['cancelled'],
      rejected: [],
      cancelled: [],
    };
    forAnyHistory((steps) => {
      for (const { before, events, after } of steps) {
        if (events.length === 0) expect(after).toBe(before);
        else expect(paths[before.status]).toContain(after.status);
      }
    });
  });

  it('gives nothing for a command that was just carried out', () => {
    forAnyHistory((steps) => {
      for (const step of steps) {
        if (step.refusal === undefined) expect(orderDecider.decide(step.command, step.after)).toEqual([]);
      }
    });
  });

  it('folds again from its events, also from a snapshot that went through JSON', () => {
    forAnyHistory((steps) => {
      const events = steps.flatMap((step) => step.events);
      const end = steps.at(-1)?.after ?? orderDecider.initialState;
      expect(fold(orderDecider, events)).toEqual(end);
      const snapshot = JSON.parse(JSON.stringify(fold(orderDecider, events.slice(0, 1)))) as OrderState;
      expect(fold(orderDecider, JSON.parse(JSON.stringify(events.slice(1))) as OrderEvent[], snapshot)).toEqual(end);
    });
  });

  it('has a total that is the exact sum of its lines, numbered 1..n in the order given', () => {
    forAnyHistory((steps) => {
      for (const {
        command: { type, data },
        after,
      } of steps.filter((step) => step.events[0]?.type === 'OrderPlaced')) {
        if (type !== 'PlaceOrder' || after.status === 'absent') throw new Error('only PlaceOrder places an order');
        expect(BigInt(after.total)).toBe(after.lines.reduce((sum, line) => sum + BigInt(line.quantity) * BigInt(line.unitPrice), 0n));
        expect(after.total).toBeLessThanOrEqual(ORDER_LIMITS.total);
        expect(after.lines.map((line) => line.lineNo)).toEqual(data.lines.map((_, index) => index + 1));
        expect(after.lines.map((line) => line.quantity)).toEqual(data.lines.map((line) => line.quantity));
      }
    });
  });

  it('is drawn widely enough to hold every event there is, often', () => {
    const seen = new Map<string, number>();
    forAnyHistory((steps) => {
      for (const event of steps.flatMap((step) => step.events)) seen.set(event.type, (seen.get(event.type) ?? 0) + 1);
    });
    expect([...seen.keys()].sort()).toEqual(domainEventTypes.filter((type) => eventCategory(type) === 'order').sort());
    expect(Math.min(...seen.values())).toBeGreaterThan(50);
  });
});
