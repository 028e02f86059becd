import { z } from 'zod';
import type { StockLevelRow } from '#read-models';

export const StockLevel = z.object({
  sku: z.string(),
  onHand: z.int().describe('Pieces in the house: received + adjusted + returned - shipped.'),
  reserved: z.int().describe('Of those, set aside for orders.'),
  available: z.int().describe('onHand - reserved.'),
  received: z.int(),
  adjusted: z.int().describe('Found minus written off.'),
  shipped: z.int(),
  returned: z.int(),
  refusals: z.int().describe('Reservations refused for want of stock.'),
  reorderLevel: z.int().describe('At or below this many available pieces the SKU counts as low.'),
  low: z.boolean(),
  updatedAt: z.iso.datetime().describe('Server time of the newest event.'),
  version: z.int().describe("Version of the SKU's stream that is shown."),
});
export type StockLevel = z.infer<typeof StockLevel>;

export const stockLevel = (row: StockLevelRow): StockLevel => ({
  sku: row.sku,
  onHand: row.onHand,
  reserved: row.reserved,
  available: row.available,
  received: row.received,
  adjusted: row.adjusted,
  shipped: row.shipped,
  returned: row.returned,
  refusals: row.refusals,
  reorderLevel: row.reorderLevel,
  low: row.available <= row.reorderLevel,
  updatedAt: row.updatedAt.toISOString(),
  version: row.version,
});
