/** Proves that a history is on disk line by line as it is written, and that only its last line may be broken. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { HistoryRecord } from './history-record.js';
import { readHistory } from './history-reader.js';
import { HistoryWriter } from './history-writer.js';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-history-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const phase = (open: number): HistoryRecord => ({ kind: 'phase', at: 1, phase: 'started', seed: 1, open });
async function read(path: string): Promise<HistoryRecord[]> {
  const records: HistoryRecord[] = [];
  for await (const record of readHistory(path)) records.push(record);
  return records;
}

describe('a history', () => {
  it('holds each record as soon as it is written, of several writers', async () => {
    const path = join(folder, 'a', 'history.ndjson');
    const [one, other] = [new HistoryWriter(path), new HistoryWriter(path)];
    one.write(phase(1));
    expect(readFileSync(path, 'utf8')).toBe(`${JSON.stringify(phase(1))}\n`);
    other.write(phase(2));
    one.write(phase(3));
    expect(await read(path)).toEqual([phase(1), phase(2), phase(3)]);
    one.close();
    expect(() => one.write(phase(4))).toThrow('the history is closed');
    other.close();
  });

  it('may end in half a line, and be broken nowhere else', async () => {
    const path = join(folder, 'history.ndjson');
    const writer = new HistoryWriter(path);
    writer.write(phase(1));
    appendFileSync(path, '{"kind":"ph');
    expect(await read(path)).toEqual([phase(1)]);
    appendFileSync(path, '\n');
    writer.write(phase(2));
    writer.close();
    await expect(read(path)).rejects.toThrow(/is damaged at line 2/);
  });
});
