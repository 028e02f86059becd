import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { HistoryRecord } from './history-record.js';

/**
 * Appends records to a file, one JSON line each. A record is with the operating system when `write` returns: what was about to be
 * sent is known even if this process is killed at that moment. (Not after a power cut, which no fault here is.)
 */
export class HistoryWriter {
  private file: number | undefined;

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.file = openSync(path, 'a');
  }

  write(record: HistoryRecord): void {
    if (this.file === undefined) throw new Error('the history is closed');
    writeSync(this.file, `${JSON.stringify(record)}\n`);
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file);
    this.file = undefined;
  }
}
