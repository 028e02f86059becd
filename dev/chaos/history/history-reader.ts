import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { HistoryRecord } from './history-record.js';

/**
 * Reads a history record by record, so that one of any length fits into memory. A half-written last line (its writer was killed) is
 * passed over; damage anywhere else throws with the number of the line.
 */
export async function* readHistory(path: string): AsyncGenerator<HistoryRecord> {
  let line = 0;
  let damaged: { line: number; cause: unknown } | undefined;
  for await (const text of createInterface({ input: createReadStream(path, { highWaterMark: 1 << 20 }), crlfDelay: Infinity })) {
    line += 1;
    if (damaged !== undefined) throw new Error(`${path} is damaged at line ${damaged.line}`, { cause: damaged.cause });
    if (text === '') continue;
    try {
      yield JSON.parse(text) as HistoryRecord;
    } catch (cause) {
      damaged = { line, cause };
    }
  }
}
