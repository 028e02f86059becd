/** Proves that what the file does not say comes from hashes alone: the same in every run, in about the promised shares. */
import { describe, expect, it } from 'vitest';
import type { SaleOrder } from './invoice-mapping.js';
import { syntheticPayment } from './payment-outcome.js';
import { Scenario } from './scenario.js';

const orderOf = (invoice: string, ...skus: string[]): SaleOrder => ({
  invoice,
  placedAt: '2024-03-04T09:00:00Z',
  customerId: '70001',
  country: null,
  lines: skus.map((sku) => ({ sku, description: null, quantity: 1, unitPrice: 100 })),
  total: skus.length * 100,
});

describe('payments', () => {
  const tokens = Array.from({ length: 20_000 }, (_, n) => syntheticPayment(String(500_000 + n)));

  it('are declined for about four orders in a hundred', () => {
    const declined = tokens.filter(({ outcome }) => outcome === 'declined').length;
    expect(declined / tokens.length).toBeGreaterThan(0.035);
    expect(declined / tokens.length).toBeLessThan(0.047);
  });

  it('are slow, failing or unanswered for about one in two hundred', () => {
    const rough = tokens.filter(({ token }) => !token.startsWith('tok_declined') && token !== 'tok_ok').length;
    expect(rough / tokens.length).toBeGreaterThan(0.003);
    expect(rough / tokens.length).toBeLessThan(0.008);
  });

  it('of known invoices never change', () => {
    expect(['900001', '900002', '900008'].map((invoice) => syntheticPayment(invoice).token)).toEqual([
      'tok_declined_insufficient-funds',
      'tok_ok',
      'tok_declined',
    ]);
  });
});

describe('the end of an order', () => {
  const mixed = new Scenario(false);

  it('is a refusal when one of its SKUs is never in stock, or its payment is declined', () => {
    expect(mixed.endOf(orderOf('900002', '20001', '10855'))).toBe('rejected');
    expect(mixed.endOf(orderOf('900008', '20001'))).toBe('rejected');
    expect(mixed.endOf(orderOf('900002', '20001'))).toBe('confirmed');
  });

  it('is always good when all is paid, and nothing is cancelled, found or written off', () => {
    const paid = new Scenario(true);
    expect(paid.endOf(orderOf('900008', '10855'))).toBe('confirmed');
    expect([paid.takes('cancel'), paid.takes('stock')]).toEqual([false, false]);
  });

  it('is waited for before the cancellation of an order that will be refused, and of about every second other', () => {
    const invoices = Array.from({ length: 1_000 }, (_, n) => String(500_000 + n));
    expect(invoices.every((invoice) => mixed.cancelsAfterEnd(invoice, 'rejected'))).toBe(true);
    const waiting = invoices.filter((invoice) => mixed.cancelsAfterEnd(invoice, 'confirmed')).length;
    expect(waiting).toBeGreaterThan(400);
    expect(waiting).toBeLessThan(600);
  });
});
