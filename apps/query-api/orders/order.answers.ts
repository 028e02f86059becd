import { z } from 'zod';
import { ORDER_STATUSES, type OrderHistoryRow } from '#read-models';

const instant = z.iso.datetime();

export const Refusal = z.object({
  code: z.string().describe('Why, as a stable code: out-of-stock, payment-declined, payment-failed, operator.'),
  detail: z.string().nullable(),
  shortages: z
    .array(z.object({ sku: z.string(), requested: z.int(), available: z.int() }))
    .describe('What was short, when it was refused for want of stock.'),
});

export const OrderSummary = z.object({
  orderId: z.string(),
  reference: z.string().nullable().describe("The client's own name for it."),
  status: z.enum(ORDER_STATUSES),
  customerId: z.string(),
  guest: z.boolean(),
  country: z.string().nullable(),
  currency: z.string(),
  total: z.int().describe('Minor units.'),
  lineCount: z.int(),
  units: z.int().describe('Pieces over all lines.'),
  placedAt: instant.describe('Business time, as the client gave it.'),
  endedAt: instant.nullable().describe('Business time of its present status; null while it is placed.'),
  refusalCode: z.string().nullable(),
  version: z.int().describe("Version of the order's stream that is shown."),
});
export type OrderSummary = z.infer<typeof OrderSummary>;

export const OrderHistoryEntry = z.object({
  version: z.int(),
  status: z.enum(ORDER_STATUSES),
  detail: z.string().nullable().describe('Why, where there is something to say.'),
  actor: z.string(),
  occurredAt: instant,
  recordedAt: instant,
});
export type OrderHistoryEntry = z.infer<typeof OrderHistoryEntry>;

export const OrderDetail = OrderSummary.extend({
  refusal: Refusal.nullable(),
  cancellation: z
    .object({ reason: z.string().nullable(), from: z.enum(['placed', 'confirmed']).describe('What it was when it was cancelled.') })
    .nullable(),
  confirmationMs: z.int().nullable().describe('From recorded placed to recorded confirmed.'),
  lines: z.array(
    z.object({
      lineNo: z.int(),
      sku: z.string(),
      description: z.string().nullable(),
      quantity: z.int(),
      unitPrice: z.int().describe('Minor units a piece.'),
    }),
  ),
  history: z.array(OrderHistoryEntry),
});
export type OrderDetail = z.infer<typeof OrderDetail>;

export const orderHistoryEntry = ({ version, status, detail, actor, occurredAt, recordedAt }: OrderHistoryRow): OrderHistoryEntry => ({
  version,
  status,
  detail,
  actor,
  occurredAt: occurredAt.toISOString(),
  recordedAt: recordedAt.toISOString(),
});
