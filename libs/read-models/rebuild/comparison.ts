import type { ClientBase } from 'pg';
import { tablesOf, type ProjectionName } from '../projections.js';

/** Most differing rows of a table that are shown. */
const SAMPLES = 10;

export interface DifferingRow {
  /** Key values, as text. */
  readonly key: readonly string[];
  /** The row as it is live; null when only the rebuilt table has it. */
  readonly live: Readonly<Record<string, unknown>> | null;
  /** The row as the events make it; null when only the live table has it. */
  readonly rebuilt: Readonly<Record<string, unknown>> | null;
}

export interface TableComparison {
  readonly table: string;
  readonly liveRows: number;
  readonly rebuiltRows: number;
  /** Rows that are missing on one side or differ in any compared column. */
  readonly differing: number;
  /** The first of them. */
  readonly samples: readonly DifferingRow[];
}

interface Side {
  readonly table: string;
  readonly key: readonly string[];
  readonly columns: readonly string[];
  readonly live: string;
  readonly rebuilt: string;
}

/** Compares a projection's tables and checkpoints row by row. Both sides must stand still and at the same versions. */
export async function compareTables(client: ClientBase, projection: ProjectionName, schema: string): Promise<TableComparison[]> {
  const sides: Side[] = tablesOf(projection).map(({ name, keyColumns, comparedColumns }) => ({
    table: name,
    key: keyColumns,
    columns: comparedColumns,
    live: `read.${name}`,
    rebuilt: `${schema}.${name}`,
  }));
  const positions = (where: string): string => `(SELECT * FROM ${where}.projection_positions WHERE projection = '${projection}')`;
  sides.push({
    table: 'projection_positions',
    key: ['stream_id'],
    columns: ['stream_id', 'version'],
    live: positions('read'),
    rebuilt: positions(schema),
  });
  const comparisons: TableComparison[] = [];
  for (const side of sides) comparisons.push(await compareOne(client, side));
  return comparisons;
}

async function compareOne(client: ClientBase, { table, key, columns, live, rebuilt }: Side): Promise<TableComparison> {
  const row = (side: string): string => `(${columns.map((column) => `${side}.${column}`).join(', ')})`;
  const joined = `${live} AS l FULL JOIN ${rebuilt} AS r ON ${key.map((column) => `l.${column} = r.${column}`).join(' AND ')}`;
  const first = key[0]!;
  const { rows } = await client.query<{ live: string; rebuilt: string; differing: string }>(
    `SELECT count(l.${first}) AS live, count(r.${first}) AS rebuilt,
       count(*) FILTER (WHERE ${row('l')} IS DISTINCT FROM ${row('r')}) AS differing
     FROM ${joined}`,
  );
  const counts = rows[0]!;
  const differing = Number(counts.differing);
  const samples = differing === 0 ? [] : await sample(client, { key, joined, row });
  return { table, liveRows: Number(counts.live), rebuiltRows: Number(counts.rebuilt), differing, samples };
}

async function sample(
  client: ClientBase,
  { key, joined, row }: { key: readonly string[]; joined: string; row: (side: string) => string },
): Promise<DifferingRow[]> {
  const keys = key.map((column) => `coalesce(l.${column}, r.${column})::text`).join(', ');
  const { rows } = await client.query<DifferingRow>(
    `SELECT ARRAY[${keys}] AS key,
       CASE WHEN l.${key[0]} IS NOT NULL THEN to_jsonb(l) END AS live,
       CASE WHEN r.${key[0]} IS NOT NULL THEN to_jsonb(r) END AS rebuilt
     FROM ${joined} WHERE ${row('l')} IS DISTINCT FROM ${row('r')} ORDER BY 1 LIMIT ${SAMPLES}`,
  );
  return rows;
}
