// Proves: what is parked here while the table is being read is not forgotten, and an older read never replaces newer knowledge.
import { describe, expect, it } from 'vitest';

import { ParkedStreams } from './parked-streams.js';

/** A table whose reads answer when told. */
class Table {
  readonly rows = new Set<string>();
  reads = 0;
  private answers: (() => void)[] = [];

  read(): Promise<ReadonlySet<string>> {
    this.reads += 1;
    const snapshot = new Set(this.rows);
    return new Promise((resolve) => this.answers.push(() => resolve(snapshot)));
  }

  async answer(): Promise<void> {
    this.answers.splice(0).forEach((answer) => answer());
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('ParkedStreams', () => {
  it('is read once for all who ask at the same time, and then no more', async () => {
    const table = new Table();
    table.rows.add('order-a');
    const parked = new ParkedStreams(() => table.read());
    const all = Promise.all([parked.refresh(), parked.refresh()]);
    await table.answer();
    await all;
    await parked.refresh();
    expect(table.reads).toBe(1);
    expect(parked.has('order-a')).toBe(true);
    expect(parked.size).toBe(1);
  });

  it('reads again when something was parked or released while it read', async () => {
    const table = new Table();
    const parked = new ParkedStreams(() => table.read());
    const refreshed = parked.refresh();
    table.rows.add('order-a');
    parked.add('order-a');
    await table.answer();
    await table.answer();
    await refreshed;
    expect(table.reads).toBe(2);
    expect(parked.has('order-a')).toBe(true);
  });

  it('keeps what it knows until it has read again', async () => {
    const table = new Table();
    table.rows.add('order-a');
    const parked = new ParkedStreams(() => table.read());
    const first = parked.refresh();
    await table.answer();
    await first;
    table.rows.clear();
    parked.expire();
    expect(parked.has('order-a')).toBe(true);
    const second = parked.refresh();
    await table.answer();
    await second;
    expect(parked.has('order-a')).toBe(false);
  });

  it('stays outdated when reading fails', async () => {
    let failures = 1;
    const parked = new ParkedStreams(() => {
      failures -= 1;
      return failures >= 0 ? Promise.reject(new Error('database is down')) : Promise.resolve(new Set(['order-a']));
    });
    await expect(parked.refresh()).rejects.toThrow('database is down');
    await parked.refresh();
    expect(parked.has('order-a')).toBe(true);
  });
});
