// Proves for any history of a SKU: pieces are neither lost nor made up, nothing goes below zero, nothing is promised twice.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold } from '../domain-event.js';
import { domainEventTypes, eventCategory } from '../event-catalogue.js';
import { live } from '../testing/given-when-then.js';
import type { StockCommand } from './stock.commands.js';
import { stockDecider, type StockState } from './stock.decider.js';
import type { StockEvent } from './stock.events.js';

const sku = '85123A';
const orderId = fc.constantFrom('a', 'b', 'c', 'd');
const quantity = fc.oneof(
  { weight: 60, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -1) },
  { weight: 1, arbitrary: fc.constantFrom(Number.MAX_SAFE_INTEGER - 1, 2 ** 52, 0.5) },
);
const command: fc.Arbitrary<StockCommand> = fc.oneof(
  fc.record({
    type: fc.constant('ReceiveStock' as const),
    data: fc.record({ sku: fc.constant(sku), quantity, reference: fc.constant(null) }),
  }),
  fc.record({
    type: fc.constant('AdjustStock' as const),
    data: fc.record({
      sku: fc.constant(sku),
      delta: quantity.chain((size) => fc.constantFrom(size, -size)),
      reason: fc.constant('count'),
    }),
  }),
  fc.record({
    type: fc.constantFrom('ReserveStock' as const, 'ReturnStock' as const),
    data: fc.record({ sku: fc.constant(sku), orderId, quantity }),
  }),
  fc.record({ type: fc.constantFrom('ReleaseStock' as const, 'ShipStock' as const), data: fc.record({ sku: fc.constant(sku), orderId }) }),
);
const commands = fc.array(command, { maxLength: 60, size: 'max' });
const forAnyHistory = (check: (steps: ReturnType<typeof live<StockState, StockCommand, StockEvent>>) => void) =>
  fc.assert(
    fc.property(commands, (some) => check(live(stockDecider, some))),
    { seed: 20101201, numRuns: 500 },
  );

describe('any history of a SKU', () => {
  it('balances: received + adjusted + returned = on hand + shipped', () => {
    forAnyHistory((steps) => {
      for (const { after } of steps) {
        const into = BigInt(after.received) + BigInt(after.adjusted) + BigInt(after.returned);
        expect(into).toBe(BigInt(after.onHand) + BigInt(after.shipped));
      }
    });
  });

  it('never goes below zero, never promises more than there is, never takes back more than was shipped', () => {
    forAnyHistory((steps) => {
      for (const { after } of steps) {
        expect(after.reserved).toBeGreaterThanOrEqual(0);
        expect(after.onHand).toBeGreaterThanOrEqual(after.reserved);
        expect(after.shipped).toBeGreaterThanOrEqual(after.returned);
        for (const total of [after.onHand, after.received, after.adjusted, after.shipped, after.returned]) {
          expect(Number.isSafeInteger(total)).toBe(true);
        }
      }
    });
  });

  it('reserves exactly what its open reservations say, one an order', () => {
    forAnyHistory((steps) => {
      for (const { after } of steps) {
        expect(after.reservations.reduce((sum, open) => sum + open.quantity, 0)).toBe(after.reserved);
        expect(new Set(after.reservations.map((open) => open.orderId)).size).toBe(after.reservations.length);
        expect(after.reservations.every((open) => open.quantity > 0)).toBe(true);
      }
    });
  });

  it('gives nothing for a reservation or release that was just carried out, and refuses to ship it again', () => {
    forAnyHistory((steps) => {
      for (const {
        command: { type },
        command: again,
        events,
        refusal,
        after,
      } of steps) {
        const isDone = refusal === undefined && events[0]?.type !== 'StockReservationRejected';
        if (isDone && (type === 'ReserveStock' || type === 'ReleaseStock')) expect(stockDecider.decide(again, after)).toEqual([]);
        if (isDone && type === 'ShipStock') expect(() => stockDecider.decide(again, after)).toThrow('reserved');
      }
    });
  });

  it('changes no quantity by a refusal, whoever waits for it', () => {
    forAnyHistory((steps) => {
      for (const { before, events, after } of steps) {
        if (events.length === 0 || events[0]?.type === 'StockReservationRejected') expect(after).toEqual(before);
      }
    });
  });

  it('folds again from its events, also from a snapshot that went through JSON', () => {
    forAnyHistory((steps) => {
      const events = steps.flatMap((step) => step.events);
      const end = steps.at(-1)?.after ?? stockDecider.initialState;
      const half = Math.floor(events.length / 2);
      expect(fold(stockDecider, events)).toEqual(end);
      const snapshot = JSON.parse(JSON.stringify(fold(stockDecider, events.slice(0, half)))) as StockState;
      expect(fold(stockDecider, events.slice(half), snapshot)).toEqual(end);
    });
  });

  it('is drawn widely enough to hold every event there is, often', () => {
    const seen = new Map<string, number>();
    forAnyHistory((steps) => {
      for (const event of steps.flatMap((step) => step.events)) seen.set(event.type, (seen.get(event.type) ?? 0) + 1);
    });
    expect([...seen.keys()].sort()).toEqual(domainEventTypes.filter((type) => eventCategory(type) === 'stock').sort());
    expect(Math.min(...seen.values())).toBeGreaterThan(50);
  });
});
