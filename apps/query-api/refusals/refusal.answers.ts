import { z } from 'zod';

export const Refusals = z.object({
  from: z.iso.datetime().nullable(),
  to: z.iso.datetime().nullable(),
  orders: z.int().describe('Refused orders of the range.'),
  byReason: z.array(
    z.object({
      code: z.string(),
      orders: z.int(),
      latestPlacedAt: z.iso.datetime().describe('Business time of the latest of them.'),
      examples: z.array(z.string()).describe('Ids of the latest orders, at most three. All: /orders?refusalCode=…'),
    }),
  ),
  shortSkus: z.array(z.object({ sku: z.string(), orders: z.int() })).describe('SKUs that were short most often, at most twenty.'),
});
export type Refusals = z.infer<typeof Refusals>;
