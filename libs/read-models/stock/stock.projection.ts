import type { StockEvent } from '#domain';
import { change } from '../projection/change-set.js';
import { defineProjection } from '../projection/projection.js';
import { tableOf } from '../projection/table.js';
import { StockLevelRow } from './stock-level.entity.js';

export const stockLevelsTable = tableOf<StockLevelRow, 'onHand' | 'available' | 'reorderLevel'>(StockLevelRow, {
  rules: {
    reserved: 'sum',
    received: 'sum',
    adjusted: 'sum',
    shipped: 'sum',
    returned: 'sum',
    refusals: 'sum',
    updatedAt: 'max',
    version: 'max',
  },
});

type Movement = Partial<Record<'reserved' | 'received' | 'adjusted' | 'shipped' | 'returned' | 'refusals', number>>;

/** Stock levels. Needs no past: every event is a movement, and movements add up. */
export const stockProjection = defineProjection<'stock', StockEvent>({
  name: 'stock',
  category: 'stock',
  tables: [stockLevelsTable],
  project: (event) => [
    change(stockLevelsTable, {
      sku: event.data.sku,
      reserved: 0,
      received: 0,
      adjusted: 0,
      shipped: 0,
      returned: 0,
      refusals: 0,
      ...movement(event),
      updatedAt: event.recordedAt,
      version: event.version,
    }),
  ],
});

function movement({ type, data }: StockEvent): Movement {
  switch (type) {
    case 'StockReceived':
      return { received: data.quantity };
    case 'StockAdjusted':
      return { adjusted: data.delta };
    case 'StockReserved':
      return { reserved: data.quantity };
    case 'StockReservationRejected':
      return { refusals: 1 };
    case 'StockReleased':
      return { reserved: -data.quantity };
    case 'StockShipped':
      // what leaves the house was reserved before
      return { shipped: data.quantity, reserved: -data.quantity };
    case 'StockReturned':
      return { returned: data.quantity };
  }
}
