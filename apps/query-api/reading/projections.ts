import type { StreamCategory } from '#domain';

/** What answers are made of: the read models, each with the streams it is made from, and the event store itself. */
export const SOURCES = {
  orders: ['order'],
  stock: ['stock'],
  customers: ['order'],
  products: ['order'],
  overview: ['order'],
  fulfilments: ['fulfilment'],
  'event-store': ['order', 'stock', 'payment', 'fulfilment'],
} as const satisfies Record<string, readonly StreamCategory[]>;

export type Source = keyof typeof SOURCES;
