import { z } from 'zod';
import type { CursorKey, Cursors } from './cursor.js';

export interface Page<Item> {
  readonly items: Item[];
  /** Mark of the next page; null on the last one. */
  readonly nextCursor: string | null;
}

export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable().describe('Mark of the next page; null on the last one.') });

/** Makes a page of `limit + 1` fetched rows: the one too many only tells that there is more. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  cursors: Cursors,
  keysOf: (row: Row) => CursorKey[],
  present: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(present), nextCursor: rows.length > limit && last !== undefined ? cursors.encode(keysOf(last)) : null };
}
