import { z } from 'zod';
import type { CustomerRow, CustomerSpendRow } from '#read-models';

const instant = z.iso.datetime();

export const Customer = z.object({
  customerId: z.string(),
  guest: z.boolean().describe('Bought without an account: an id of its own for each order.'),
  name: z.string().nullable(),
  email: z.string().nullable(),
  country: z.string().nullable(),
  orders: z.int().describe('All orders ever placed.'),
  confirmedOrders: z.int().describe('Confirmed and not cancelled since.'),
  rejectedOrders: z.int(),
  cancelledOrders: z.int(),
  spend: z
    .array(z.object({ currency: z.string(), orders: z.int(), amount: z.int().describe('Minor units.') }))
    .describe('Over orders confirmed and not cancelled since, by currency.'),
  firstOrderAt: instant,
  lastOrderAt: instant,
  lastOrderId: z.string(),
});
export type Customer = z.infer<typeof Customer>;

export const customer = (row: CustomerRow, spend: readonly CustomerSpendRow[]): Customer => ({
  customerId: row.customerId,
  guest: row.guest,
  name: row.name,
  email: row.email,
  country: row.country,
  orders: row.orders,
  confirmedOrders: row.confirmedOrders,
  rejectedOrders: row.rejectedOrders,
  cancelledOrders: row.cancelledOrders,
  spend: spend.map(({ currency, confirmedOrders, spend: amount }) => ({ currency, orders: confirmedOrders, amount })),
  firstOrderAt: row.firstOrderAt.toISOString(),
  lastOrderAt: row.lastOrderAt.toISOString(),
  lastOrderId: row.lastOrderId,
});
