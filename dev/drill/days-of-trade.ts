import { isGoods } from '../replay/retail-code.js';
import { readRetailFile } from '../replay/retail-file.js';
import { inRange, type DayRange } from '../replay/trade.js';

/** Days of the range on which anything was sold, `YYYY-MM-DD`, in their order. */
export async function daysOfTrade(file: string, range: DayRange): Promise<string[]> {
  const days = new Set<string>();
  for await (const row of readRetailFile(file)) {
    if (row.problem !== null || row.kind !== 'sale' || !isGoods(row.code)) continue;
    if (row.pence > 0 && row.quantity > 0 && inRange(row.at, range)) days.add(row.at.slice(0, 10));
  }
  return [...days].sort();
}
