import type { Column, Table } from './table.js';

/** One row that an event adds to a table, or merges into it by the table's rules. */
export interface Change {
  readonly table: Table;
  readonly row: object;
}

/** `row` belongs to `table`; the types say so here and nowhere else. */
export const change = <Row extends object>(table: Table<Row>, row: Row): Change => ({ table, row });

type Values = Record<string, unknown>;

/**
 * Folds the changes of many events into at most one row a key, by the same rules that merge a row into the database: a batch in which
 * one SKU moves a thousand times costs one upsert.
 */
export class ChangeSet {
  private readonly merged = new Map<Table, Map<string, Values>>();
  private readonly appended = new Map<Table, object[]>();

  /** Rows in all tables. */
  size = 0;

  add({ table, row }: Change): void {
    if (table.appendOnly) {
      this.size += 1;
      entryOf(this.appended, table, () => []).push(row);
      return;
    }
    const rows = entryOf(this.merged, table, () => new Map<string, Values>());
    const values = row as Values;
    const key = keyOf(table, values);
    const known = rows.get(key);
    if (known === undefined) this.size += 1;
    // Where every column is replaced the row is: copying and merging each of a saga's ten rows was a tenth of a rebuild.
    if (table.replaced) rows.set(key, values);
    // A copy, because later changes are merged into it.
    else if (known === undefined) rows.set(key, { ...values });
    else mergeInto(known, values, table);
  }

  rows(table: Table): readonly object[] {
    return (table.appendOnly ? this.appended.get(table) : [...(this.merged.get(table)?.values() ?? [])]) ?? [];
  }
}

function entryOf<Value>(map: Map<Table, Value>, table: Table, create: () => Value): Value {
  let value = map.get(table);
  if (value === undefined) map.set(table, (value = create()));
  return value;
}

/** PostgreSQL's texts hold no NUL, so it keeps the columns apart. */
function keyOf({ key }: Table, row: Values): string {
  let text = String(row[key[0]!.property]);
  for (let n = 1; n < key.length; n += 1) text += `\u0000${String(row[key[n]!.property])}`;
  return text;
}

function mergeInto(known: Values, next: Values, table: Table): void {
  const later = table.latestBy.length > 0 && isLater(next, known, table.latestBy);
  for (const { property, rule } of table.values) {
    const a = known[property];
    const b = next[property];
    switch (rule) {
      case 'put':
        known[property] = b;
        break;
      case 'sum':
        known[property] = exactSum(a as number | bigint, b as number | bigint);
        break;
      case 'min':
        known[property] = a === null || (b !== null && compare(b, a) < 0) ? b : a;
        break;
      case 'max':
        known[property] = a === null || (b !== null && compare(b, a) > 0) ? b : a;
        break;
      case 'latest':
        if (later) known[property] = b;
        break;
      default:
        rule satisfies never;
    }
  }
}

/**
 * A batch may add up what no double holds exactly, and then the live rows would differ from a rebuild, which is batched otherwise.
 * A bigint as long as the sum needs one: whether a sum is a number depends on its value alone, not on how it came about.
 */
function exactSum(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    // NaN of a damaged event, too, is left to the database to refuse.
    if (Number.isSafeInteger(sum) || !Number.isInteger(sum)) return sum;
  }
  const sum = BigInt(a) + BigInt(b);
  return Number.isSafeInteger(Number(sum)) ? Number(sum) : sum;
}

function isLater(next: Values, known: Values, by: readonly Column[]): boolean {
  const first = by[0]!.property;
  if (next[first] === null) return false;
  if (known[first] === null) return true;
  for (const { property } of by) {
    const order = compare(next[property], known[property]);
    if (order !== 0) return order > 0;
  }
  return false;
}

/** As PostgreSQL compares: numbers, and text by its UTF-8 bytes (COLLATE "C"). Moments are ISO 8601 UTC of one length. */
function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return a === b ? 0 : Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
}
