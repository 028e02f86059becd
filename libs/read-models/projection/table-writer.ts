import pg, { type ClientBase } from 'pg';
import type { Column, Table } from './table.js';

/**
 * Reads and writes many rows of one table in one statement each, in the schema given (the live one, or one beside it).
 * Parameters are one array a column: the statement's text does not depend on the number of rows, so it is prepared once a connection.
 */
export class TableWriter<Row extends object> {
  private readonly columns: readonly Column[];
  private readonly writeSql: string;
  private readonly loadSql: string;

  constructor(
    private readonly table: Table<Row>,
    private readonly schema: string,
  ) {
    this.columns = table.columns;
    this.writeSql = writeStatement(table, schema);
    this.loadSql = `SELECT ${table.columns.map(({ name, property }) => `${name} AS "${property}"`).join(', ')}
      FROM ${schema}.${table.name} WHERE ${table.key[0]!.name} = ANY($1)`;
  }

  /** Rows as {@link write} takes them. */
  columnsOf(rows: readonly object[]): readonly string[] {
    return this.columns.map((column) => arrayOf(column, rows));
  }

  /** Merges or appends the rows. @throws the driver's error of class 22 or 23 when a row does not fit its table */
  async write(client: ClientBase, columns: readonly string[]): Promise<void> {
    await client.query({ name: `write ${this.schema}.${this.table.name}`, text: this.writeSql, values: [...columns] });
  }

  /** Rows by the first column of their key. */
  async load(client: ClientBase, keys: readonly string[]): Promise<Row[]> {
    const { rows } = await client.query<Row>({
      name: `load ${this.schema}.${this.table.name}`,
      text: this.loadSql,
      values: [keys],
      types: WRITTEN_TYPES,
    });
    return rows;
  }
}

const INT8 = 20;
const TIMESTAMPTZ = 1184;

/** Rows come back as they were written, whatever parsers the caller's connection has: whole numbers, moments as ISO 8601 text. */
const WRITTEN_TYPES = {
  getTypeParser: (oid: number, format: 'text' | 'binary' = 'text'): unknown => {
    if (oid === INT8) return Number;
    if (oid === TIMESTAMPTZ) return (time: string) => new Date(time).toISOString();
    return pg.types.getTypeParser(oid, format as 'text');
  },
} as pg.CustomTypesConfig;

const NEEDS_ESCAPE = /["\\]/;

/**
 * One column of all rows as an array in PostgreSQL's notation. The driver makes the same of an array, but searches and replaces in every
 * element, numbers too: that was an eighth of a rebuild.
 */
function arrayOf({ property, type }: Column, rows: readonly object[]): string {
  let text = '';
  for (const row of rows) {
    const value = (row as Record<string, unknown>)[property];
    text += text === '' ? '{' : ',';
    if (value === null || value === undefined) text += 'NULL';
    else if (type === 'jsonb' || typeof value === 'object') text += quoted(JSON.stringify(value));
    else text += typeof value === 'string' ? quoted(value) : String(value);
  }
  return `${text}}`;
}

const quoted = (text: string): string => `"${NEEDS_ESCAPE.test(text) ? text.replaceAll(/["\\]/g, String.raw`\$&`) : text}"`;

function writeStatement(table: Table, schema: string): string {
  const names = table.columns.map(({ name }) => name).join(', ');
  const arrays = table.columns.map(({ type }, i) => `$${i + 1}::${type}[]`).join(', ');
  const insert = `INSERT INTO ${schema}.${table.name} AS known (${names}) SELECT * FROM unnest(${arrays})`;
  if (table.appendOnly) return insert;
  const later = table.latestBy.length > 0 ? laterCondition(table.latestBy) : '';
  const updates = table.values.map((column) => `${column.name} = ${mergeExpression(column, later)}`);
  return `${insert} ON CONFLICT (${table.key.map(({ name }) => name).join(', ')}) DO UPDATE SET ${updates.join(', ')}`;
}

function mergeExpression({ name, rule }: Column, later: string): string {
  switch (rule) {
    case 'put':
      return `excluded.${name}`;
    case 'sum':
      return `known.${name} + excluded.${name}`;
    case 'min':
      return `least(known.${name}, excluded.${name})`;
    case 'max':
      return `greatest(known.${name}, excluded.${name})`;
    case 'latest':
      return `CASE WHEN ${later} THEN excluded.${name} ELSE known.${name} END`;
  }
}

function laterCondition(by: readonly Column[]): string {
  const tuple = (row: string): string =>
    `(${by.map(({ name, type }) => `${row}.${name}${type === 'text' ? ' COLLATE "C"' : ''}`).join(', ')})`;
  const first = by[0]!.name;
  return `excluded.${first} IS NOT NULL AND (known.${first} IS NULL OR ${tuple('excluded')} > ${tuple('known')})`;
}
