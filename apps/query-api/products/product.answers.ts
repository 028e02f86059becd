import { z } from 'zod';

const figures = {
  orders: z.int().describe('Orders holding it, confirmed and not cancelled since.'),
  units: z.int().describe('Pieces sold in those.'),
  revenue: z.int().describe('Minor units.'),
};

export const ProductSummary = z.object({
  sku: z.string(),
  description: z.string().nullable().describe('As in the latest order by business time.'),
  currency: z.string(),
  ...figures,
});
export type ProductSummary = z.infer<typeof ProductSummary>;

export const ProductDetail = z.object({
  sku: z.string(),
  description: z.string().nullable(),
  sales: z.array(z.object({ currency: z.string(), ...figures })),
});
export type ProductDetail = z.infer<typeof ProductDetail>;
