import type { OrderConfirmed, OrderCancelled, OrderPlaced, OrderRejected, StockReceived, StockReserved, StockShipped } from '#domain';

export interface PlacedLine {
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: number;
  readonly description?: string;
}

export interface PlacedOptions {
  readonly customerId?: string;
  readonly currency?: string;
  readonly reference?: string;
  readonly country?: string;
  readonly lines?: readonly PlacedLine[];
}

const ONE_LANTERN: readonly PlacedLine[] = [{ sku: '71053', quantity: 6, unitPrice: 339, description: 'WHITE METAL LANTERN' }];

export function placed(
  orderId: string,
  { customerId = '17850', currency = 'GBP', reference, country = 'United Kingdom', lines = ONE_LANTERN }: PlacedOptions = {},
): OrderPlaced {
  return {
    type: 'OrderPlaced',
    data: {
      orderId,
      reference: reference ?? null,
      customer: { id: customerId, name: `Name of ${customerId}`, email: `${customerId}@example.com`, country },
      currency,
      lines: lines.map(({ sku, quantity, unitPrice, description }, index) => ({
        lineNo: index + 1,
        sku,
        quantity,
        unitPrice,
        description: description ?? null,
      })),
      total: lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0),
      paymentToken: 'tok_secret_of_the_customer',
    },
  };
}

export const confirmed = (orderId: string): OrderConfirmed => ({ type: 'OrderConfirmed', data: { orderId } });

export const cancelled = (orderId: string, cancelledFrom: 'placed' | 'confirmed' = 'confirmed'): OrderCancelled => ({
  type: 'OrderCancelled',
  data: { orderId, reason: 'changed my mind', cancelledFrom },
});

export const outOfStock = (orderId: string, sku = '71053'): OrderRejected => ({
  type: 'OrderRejected',
  data: {
    orderId,
    reason: { code: 'out-of-stock', detail: `${sku}: 6 wanted, 2 available`, shortages: [{ sku, requested: 6, available: 2 }] },
  },
});

export const declined = (orderId: string): OrderRejected => ({
  type: 'OrderRejected',
  data: { orderId, reason: { code: 'payment-declined', detail: 'insufficient-funds: no' } },
});

export const received = (sku: string, quantity: number): StockReceived => ({
  type: 'StockReceived',
  data: { sku, quantity, reference: null },
});
export const reserved = (sku: string, orderId: string, quantity: number): StockReserved => ({
  type: 'StockReserved',
  data: { sku, orderId, quantity },
});
export const shipped = (sku: string, orderId: string, quantity: number): StockShipped => ({
  type: 'StockShipped',
  data: { sku, orderId, quantity },
});
