import { z } from 'zod';
import { FULFILMENT_STATUSES, ORDER_STATUSES } from '#read-models';

const instant = z.iso.datetime();

export const Totals = z
  .object({
    orders: z.int(),
    lines: z.int(),
    skus: z.int().describe('Different SKUs.'),
    customers: z.int().describe('Different customers, guests included.'),
    guestOrders: z.int(),
    units: z.int(),
    revenuePence: z.int().describe('Minor units of the currency asked for.'),
  })
  .describe('Over orders confirmed and not cancelled since.');
export type Totals = z.infer<typeof Totals>;

const PlacedTotals = z
  .object({ orders: z.int(), lines: z.int(), units: z.int(), totalPence: z.int() })
  .describe('Over every order placed, however it ended.');
export type PlacedTotals = z.infer<typeof PlacedTotals>;

const ProductFigures = z.object({ sku: z.string(), description: z.string().nullable(), units: z.int(), revenuePence: z.int() });
export type ProductFigures = z.infer<typeof ProductFigures>;

export const Overview = z.object({
  from: instant.nullable(),
  to: instant.nullable(),
  currency: z.string(),
  totals: Totals,
  placed: PlacedTotals,
  byStatus: z.array(PlacedTotals.extend({ status: z.enum(ORDER_STATUSES) })),
  byHour: z
    .array(z.object({ hour: instant, orders: z.int(), revenuePence: z.int() }))
    .describe('By hour of business time (UTC), confirmed orders only. Without a range, the last 744 hours that had any.'),
  byMonth: z.array(z.object({ month: z.string().regex(/^\d{4}-\d{2}$/), orders: z.int(), revenuePence: z.int() })),
  confirmation: z
    .object({ orders: z.int(), p50Ms: z.int().nullable(), p95Ms: z.int().nullable() })
    .describe('From recorded placed to recorded confirmed. Without a range, of the last 10,000 orders placed.'),
  topProductsByRevenue: z.array(ProductFigures),
  topProductsByUnits: z.array(ProductFigures),
  topCustomersBySpend: z.array(z.object({ customerId: z.string(), orders: z.int(), spendPence: z.int() })),
  lowStock: z
    .object({ skus: z.int(), lowest: z.array(z.object({ sku: z.string(), available: z.int(), reorderLevel: z.int() })) })
    .describe('As it is now, whatever the range.'),
  fulfilments: z.record(z.enum(FULFILMENT_STATUSES), z.int()).describe('As they are now, whatever the range.'),
});
export type Overview = z.infer<typeof Overview>;

/** What depends on the range. */
export type Sales = Omit<Overview, 'from' | 'to' | 'currency' | 'lowStock' | 'fulfilments'>;

/** Length of the top lists. */
export const TOP = 10;
