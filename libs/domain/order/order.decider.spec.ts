// Proves the order's rules: what may be placed, and which ends it can come to, in given-when-then form.
import { describe, expect, it } from 'vitest';
import { given } from '../testing/given-when-then.js';
import { ORDER_LIMITS } from './order-placement.js';
import type { OrderCommand, PlaceOrder } from './order.commands.js';
import { orderDecider } from './order.decider.js';
import type { OrderEvent, OrderPlaced } from './order.events.js';

const line = { sku: '85123A', description: 'WHITE HANGING HEART', quantity: 6, unitPrice: 255 };
const order: PlaceOrder['data'] = {
  orderId: 'o-1',
  reference: '536365',
  customer: { id: '17850', name: 'Ada', email: 'ada@example.org', country: 'United Kingdom' },
  currency: 'GBP',
  lines: [line],
  paymentToken: 'tok_ok',
};
const place = (changes: Partial<PlaceOrder['data']> = {}): OrderCommand => ({ type: 'PlaceOrder', data: { ...order, ...changes } });
const confirm: OrderCommand = { type: 'ConfirmOrder', data: { orderId: 'o-1' } };
const cancel: OrderCommand = { type: 'CancelOrder', data: { orderId: 'o-1', reason: 'changed my mind' } };
const reject: OrderCommand = {
  type: 'RejectOrder',
  data: {
    orderId: 'o-1',
    reason: { code: 'out-of-stock', detail: '85123A is short', shortages: [{ sku: '85123A', requested: 6, available: 2 }] },
  },
};

const placed: OrderPlaced = { type: 'OrderPlaced', data: { ...order, lines: [{ lineNo: 1, ...line }], total: 1530 } };
const confirmed: OrderEvent = { type: 'OrderConfirmed', data: { orderId: 'o-1' } };
const rejected: OrderEvent = { type: 'OrderRejected', data: reject.data };
const cancelled = (cancelledFrom: 'placed' | 'confirmed'): OrderEvent => ({
  type: 'OrderCancelled',
  data: { orderId: 'o-1', reason: 'changed my mind', cancelledFrom },
});

const when = (events: OrderEvent[], command: OrderCommand) => given(orderDecider, events).when(command);
const placing = (changes: Partial<PlaceOrder['data']>) => {
  const outcome = when([], place(changes));
  return typeof outcome === 'string' ? outcome : (outcome[0] as OrderPlaced).data;
};

describe('placing an order', () => {
  it('numbers the lines and computes the total', () => {
    expect(when([], place())).toEqual([placed]);
  });

  it('keeps two lines of one SKU apart, at their own prices', () => {
    expect(placing({ lines: [line, { ...line, quantity: 1, unitPrice: 300 }] })).toMatchObject({
      total: 1830,
      lines: [
        { lineNo: 1, sku: '85123A', unitPrice: 255 },
        { lineNo: 2, sku: '85123A', unitPrice: 300 },
      ],
    });
  });

  it('writes SKUs in their one spelling and leaves descriptions as they are', () => {
    const lines = [{ ...line, sku: ' 85123a ', description: ' white  "heart", ? ' }];
    expect(placing({ lines })).toMatchObject({ lines: [{ sku: '85123A', description: ' white  "heart", ? ' }] });
  });

  it('takes blank optional texts for none', () => {
    const customer = { id: 'guest-1', name: '', email: null, country: ' ' };
    expect(placing({ reference: '', customer, lines: [{ ...line, description: ' ' }] })).toMatchObject({
      reference: null,
      customer: { id: 'guest-1', name: null, email: null, country: null },
      lines: [{ description: null }],
    });
  });

  it('accepts an order that costs nothing', () => {
    expect(placing({ lines: [{ ...line, unitPrice: 0 }] })).toMatchObject({ total: 0 });
  });

  it('accepts 5,000 lines and no more', () => {
    const lines = Array.from({ length: ORDER_LIMITS.lines }, () => line);
    expect(placing({ lines })).toMatchObject({ total: 5_000 * 1_530 });
    expect(placing({ lines: [...lines, line] })).toBe('order.too-many-lines');
  });

  it('refuses an order whose event would not fit a message', () => {
    const wordy = { ...line, description: 'é'.repeat(ORDER_LIMITS.description) };
    expect(placing({ lines: Array.from({ length: 3_000 }, () => wordy) })).toBe('order.too-large');
  });

  it('refuses an order without lines', () => {
    expect(placing({ lines: [] })).toBe('order.empty');
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER])('refuses a quantity of %s', (quantity) => {
    expect(placing({ lines: [{ ...line, quantity }] })).toBe('order.quantity-invalid');
  });

  it.each([-1, 0.5, Number.NaN, Number.MAX_SAFE_INTEGER])('refuses a unit price of %s', (unitPrice) => {
    expect(placing({ lines: [{ ...line, unitPrice }] })).toBe('order.unit-price-invalid');
  });

  it('accepts the highest total there may be, and not one penny more', () => {
    const half = { ...line, quantity: 1, unitPrice: ORDER_LIMITS.total / 2 };
    expect(placing({ lines: [half, half] })).toMatchObject({ total: ORDER_LIMITS.total });
    expect(placing({ lines: [half, half, { ...line, quantity: 1, unitPrice: 1 }] })).toBe('order.total-too-large');
    expect(placing({ lines: [{ ...line, quantity: 1, unitPrice: Number.MAX_SAFE_INTEGER - 1 }] })).toBe('order.total-too-large');
    expect(placing({ lines: [{ ...line, quantity: 2 ** 40, unitPrice: 2 ** 40 }] })).toBe('order.total-too-large');
  });

  it('accepts the most pieces there may be, and not one more, free as they may be', () => {
    const half = { ...line, quantity: ORDER_LIMITS.pieces / 2, unitPrice: 0 };
    expect(placing({ lines: [half, half] })).toMatchObject({ total: 0 });
    expect(placing({ lines: [half, half, { ...half, quantity: 1 }] })).toBe('order.too-many-pieces');
    expect(placing({ lines: [{ ...half, quantity: Number.MAX_SAFE_INTEGER - 1 }] })).toBe('order.too-many-pieces');
  });

  it('has totals and pieces that millions of orders add up to without overflowing 64 bits', () => {
    const mostOfOneSum = 9_000_000n;
    for (const limit of [ORDER_LIMITS.total, ORDER_LIMITS.pieces]) {
      expect(Number.isSafeInteger(limit)).toBe(true);
      expect(BigInt(limit) * mostOfOneSum).toBeLessThan(2n ** 63n);
    }
  });

  it.each(['gbp', 'GB', 'GBPX', 'XXX', 'XAU', ''])('refuses the currency "%s"', (currency) => {
    expect(placing({ currency })).toBe('order.currency-unknown');
  });

  it.each(['\0', 'a\uD800', '\uDC00b', ' ', 'x'.repeat(101)])('refuses the customer id %j', (id) => {
    expect(placing({ customer: { ...order.customer, id } })).toBe('order.text-invalid');
  });

  it('refuses control characters in what orders are found by, and takes them in what is only shown', () => {
    expect(placing({ reference: 'a\u0007b' })).toBe('order.text-invalid');
    expect(placing({ customer: { ...order.customer, id: 'a\tb' } })).toBe('order.text-invalid');
    expect(placing({ lines: [{ ...line, description: 'two\nlines' }] })).toMatchObject({ lines: [{ description: 'two\nlines' }] });
  });

  it('refuses unstorable text wherever there is text', () => {
    const bad = 'a\0b';
    expect(placing({ reference: bad })).toBe('order.text-invalid');
    expect(placing({ paymentToken: bad })).toBe('order.text-invalid');
    expect(placing({ customer: { ...order.customer, name: bad } })).toBe('order.text-invalid');
    expect(placing({ customer: { ...order.customer, email: bad } })).toBe('order.text-invalid');
    expect(placing({ customer: { ...order.customer, country: bad } })).toBe('order.text-invalid');
    expect(placing({ lines: [{ ...line, description: bad }] })).toBe('order.text-invalid');
    expect(placing({ lines: [{ ...line, sku: bad }] })).toBe('sku.invalid');
    expect(when([placed], { type: 'CancelOrder', data: { orderId: 'o-1', reason: bad } })).toBe('order.text-invalid');
  });

  it('accepts characters outside the basic plane', () => {
    expect(placing({ reference: 'gift 🎁' })).toMatchObject({ reference: 'gift 🎁' });
  });

  it('does nothing when the same order comes again, whatever became of it', () => {
    expect(when([placed], place())).toEqual([]);
    expect(when([placed, confirmed, cancelled('confirmed')], place())).toEqual([]);
  });

  it('refuses another order under the same id', () => {
    expect(when([placed], place({ lines: [{ ...line, quantity: 7 }] }))).toBe('order.already-placed');
    expect(when([placed], place({ lines: [line, line] }))).toBe('order.already-placed');
    expect(when([placed], place({ reference: 'other' }))).toBe('order.already-placed');
    expect(when([placed], place({ currency: 'EUR' }))).toBe('order.already-placed');
    expect(when([placed], place({ customer: { ...order.customer, id: 'x' } }))).toBe('order.already-placed');
  });
});

describe('ending an order', () => {
  it('confirms, rejects and cancels what is placed', () => {
    expect(when([placed], confirm)).toEqual([confirmed]);
    expect(when([placed], reject)).toEqual([rejected]);
    expect(when([placed], cancel)).toEqual([cancelled('placed')]);
  });

  it('cancels what is confirmed, and says that it was', () => {
    expect(when([placed, confirmed], cancel)).toEqual([cancelled('confirmed')]);
  });

  it('does nothing for a repeat', () => {
    expect(when([placed, confirmed], confirm)).toEqual([]);
    expect(when([placed, rejected], reject)).toEqual([]);
    expect(when([placed, cancelled('placed')], cancel)).toEqual([]);
    expect(when([placed, confirmed, cancelled('confirmed')], cancel)).toEqual([]);
  });

  it('never leaves rejected', () => {
    expect(when([placed, rejected], confirm)).toBe('order.already-rejected');
    expect(when([placed, rejected], cancel)).toBe('order.already-rejected');
  });

  it('never leaves cancelled', () => {
    expect(when([placed, cancelled('placed')], confirm)).toBe('order.cancelled');
    expect(when([placed, cancelled('placed')], reject)).toBe('order.cancelled');
  });

  it('does not reject what is confirmed', () => {
    expect(when([placed, confirmed], reject)).toBe('order.already-confirmed');
  });

  it('refuses everything about an order that was never placed', () => {
    expect(when([], confirm)).toBe('order.not-found');
    expect(when([], reject)).toBe('order.not-found');
    expect(when([], cancel)).toBe('order.not-found');
  });

  it('needs a reason to cancel', () => {
    expect(when([placed], { type: 'CancelOrder', data: { orderId: 'o-1', reason: '' } })).toBe('order.text-invalid');
  });

  it('mends the wording of a rejection instead of losing it', () => {
    const told: OrderCommand = {
      type: 'RejectOrder',
      data: { orderId: 'o-1', reason: { code: 'payment-declined', detail: 'no\0 \uD800' } },
    };
    expect(when([placed], told)).toMatchObject([{ data: { reason: { detail: 'no\uFFFD \uFFFD' } } }]);
  });
});

it('keeps no personal data in its state', () => {
  expect(JSON.stringify(orderDecider.evolve(orderDecider.initialState, placed))).not.toMatch(/Ada|ada@example|tok_ok/);
});
