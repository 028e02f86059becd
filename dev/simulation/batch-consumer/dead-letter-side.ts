import { SqlError, type Statement, type StatementResult, type Statements } from '../postgres/statements.js';
import { MemoryTable, type Transaction } from '../postgres/transaction.js';

export interface Letter {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly streamId: string | null;
  readonly code: string;
  readonly reason: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string[]>>;
  readonly state: 'held' | 'released' | 'discarded';
  readonly resolvedBy: string | null;
  readonly note: string | null;
}

interface Parked {
  readonly streamId: string;
  readonly code: string;
  readonly reason: string;
}

const TIME = '2026-01-05 08:00:00+00';

const LETTER_COLUMNS = [
  ['id', 'text'],
  ['topic', 'text'],
  ['partition', 'int4'],
  ['offset', 'text'],
  ['stream_id', 'text'],
  ['code', 'text'],
  ['reason', 'text'],
  ['state', 'text'],
  ['recorded_at', 'text'],
  ['resolved_at', 'text'],
  ['resolved_by', 'text'],
  ['note', 'text'],
] as const;

const letterRow = (letter: Letter): unknown[] => {
  const { id, topic, partition, offset, streamId, code, reason, state, resolvedBy, note } = letter;
  return [id, topic, partition, offset, streamId, code, reason, state, TIME, null, resolvedBy, note];
};

const BYTES_COLUMNS = [...LETTER_COLUMNS, ['message_key', 'bytea'], ['message_value', 'bytea'], ['headers', 'jsonb']] as const;
const bytesRow = (letter: Letter): unknown[] => [...letterRow(letter), letter.key, letter.value, letter.headers];

/** The tables of the consumer's dead letters, and the statements of ConsumerDeadLetters over them; one consumer group. */
export class DeadLetterSide {
  readonly letters = new MemoryTable<Letter>('letters');
  readonly parked = new MemoryTable<Parked>('parked');
  private lastId = 0;

  constructor(statements: Statements) {
    const add = <Values extends unknown[]>(pattern: RegExp, run: (transaction: Transaction, values: Values) => StatementResult): void =>
      void statements.text(pattern, run as unknown as Statement);
    add(/^SELECT stream_id FROM tidemark.consumer_parked_streams WHERE group_id = \$1$/, (transaction) => ({
      columns: [['stream_id', 'text']],
      rows: transaction.all(this.parked).map(({ streamId }) => [streamId]),
    }));
    add(
      /^SELECT stream_id FROM tidemark.consumer_parked_streams\s+WHERE group_id = \$1 AND stream_id = ANY\(\$2\).* FOR UPDATE$/s,
      (transaction, values: [string, string[]]) => this.lockParked(transaction, values),
    );
    add(/^INSERT INTO tidemark.consumer_parked_streams/, (transaction, values: [string, string[], string[], string[]]) =>
      this.park(transaction, values),
    );
    add(/^DELETE FROM tidemark.consumer_parked_streams/, (transaction, [, streamId]: [string, string]) => {
      transaction.lockRow(this.parked as MemoryTable<never>, streamId);
      transaction.put(this.parked, streamId, undefined);
      return { count: 1 };
    });
    add(
      /^SELECT "offset"::text AS "offset" FROM tidemark.consumer_dead_letters/,
      (transaction, [, topic, partition, offsets]: [string, string, number, string[]]) => ({
        columns: [['offset', 'text']],
        rows: offsets
          .filter((offset) => transaction.get(this.letters, letterKey(topic, partition, offset))?.state === 'discarded')
          .map((offset) => [offset]),
      }),
    );
    add(/^INSERT INTO tidemark.consumer_dead_letters/, (transaction, values: unknown[][]) => this.insert(transaction, values));
    add(
      /^SELECT .* message_key, message_value, headers FROM tidemark.consumer_dead_letters\s+WHERE group_id = \$1 AND stream_id = \$2/s,
      (transaction, [, streamId, limit]: [string, string, number]) => ({
        columns: BYTES_COLUMNS,
        rows: this.held(transaction, streamId, limit).map(bytesRow),
      }),
    );
    add(
      /^UPDATE tidemark.consumer_dead_letters SET state = \$3/,
      (transaction, values: [string, string[], Letter['state'], string, string | null]) => this.resolve(transaction, values),
    );
  }

  letterAt(topic: string, partition: number, offset: string): Letter | undefined {
    return this.letters.rows.get(letterKey(topic, partition, offset));
  }

  private lockParked(transaction: Transaction, [, streamIds]: [string, string[]]): StatementResult {
    const found = [...streamIds].sort().filter((streamId) => {
      if (transaction.get(this.parked, streamId) === undefined) return false;
      transaction.lockRow(this.parked as MemoryTable<never>, streamId);
      return transaction.get(this.parked, streamId) !== undefined;
    });
    return { columns: [['stream_id', 'text']], rows: found.map((streamId) => [streamId]) };
  }

  private park(transaction: Transaction, [, ids, codes, reasons]: [string, string[], string[], string[]]): StatementResult {
    // A conflicting insert waits for whoever has inserted the same row and not committed yet.
    for (const streamId of ids)
      if (this.parked.rows.get(streamId) === undefined) transaction.lockRow(this.parked as MemoryTable<never>, streamId);
    ids.forEach((streamId, i) => {
      if (transaction.get(this.parked, streamId) !== undefined) return;
      transaction.put(this.parked, streamId, { streamId, code: codes[i] as string, reason: reasons[i] as string });
    });
    return { count: ids.length };
  }

  private insert(transaction: Transaction, values: unknown[][]): StatementResult {
    const [, topics, partitions, offsets, streams, codes, reasons, keys, bodies, headers] = values as [unknown, ...unknown[][]];
    const rows = (topics as string[]).map((topic, i) => ({
      topic,
      partition: partitions?.[i] as number,
      offset: offsets?.[i] as string,
      streamId: streams?.[i] as string | null,
      code: codes?.[i] as string,
      reason: reasons?.[i] as string,
      key: keys?.[i] as Buffer | null,
      value: bodies?.[i] as Buffer | null,
      headers: JSON.parse(headers?.[i] as string) as Record<string, string[]>,
    }));
    const keyOf = (row: (typeof rows)[number]): string => letterKey(row.topic, row.partition, row.offset);
    for (const row of rows) transaction.lockRow(this.letters as MemoryTable<never>, keyOf(row));
    if (new Set(rows.map(keyOf)).size < rows.length) throw new SqlError('21000', 'ON CONFLICT DO UPDATE cannot affect row a second time');
    const kept: typeof rows = [];
    for (const row of rows) {
      const known = transaction.get(this.letters, keyOf(row));
      if (known !== undefined && known.state !== 'released') continue;
      kept.push(row);
      const id = known?.id ?? (this.lastId += 1);
      transaction.put(this.letters, keyOf(row), { ...row, id, state: 'held', resolvedBy: null, note: null });
    }
    return { columns: [['code', 'text']], rows: kept.map(({ code }) => [code]) };
  }

  private held(transaction: Transaction, streamId: string, limit: number): Letter[] {
    return transaction
      .all(this.letters)
      .filter((letter) => letter.streamId === streamId && letter.state === 'held')
      .sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition || Number(a.offset) - Number(b.offset)))
      .slice(0, limit);
  }

  private resolve(
    transaction: Transaction,
    [, ids, state, resolvedBy, note]: [string, string[], Letter['state'], string, string | null],
  ): StatementResult {
    const wanted = transaction.all(this.letters).filter((letter) => ids.includes(String(letter.id)));
    const keyOf = (letter: Letter): string => letterKey(letter.topic, letter.partition, letter.offset);
    for (const letter of wanted) transaction.lockRow(this.letters as MemoryTable<never>, keyOf(letter));
    const held = wanted.map((letter) => transaction.get(this.letters, keyOf(letter)) as Letter).filter((letter) => letter.state === 'held');
    for (const letter of held) transaction.put(this.letters, keyOf(letter), { ...letter, state, resolvedBy, note });
    return { columns: [['id', 'text']], rows: held.map(({ id }) => [id]) };
  }
}

const letterKey = (topic: string, partition: number, offset: string): string => `${topic}/${partition}@${offset}`;
