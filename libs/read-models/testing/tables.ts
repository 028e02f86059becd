import pg, { type ClientBase } from 'pg';
import { beginAsOnlyWriter } from '../projection/locks.js';
import { ProjectionWriter } from '../projection/projection-writer.js';
import type { ProjectedEvent } from '../projection/projected-event.js';
import type { Projection } from '../projection/projection.js';
import { TableWriter } from '../projection/table-writer.js';

type Row = Record<string, unknown>;

/** Applies batches to the live tables, one transaction each, as the projector does. */
export async function applyLive(
  client: ClientBase,
  projections: readonly Projection[],
  batches: readonly (readonly ProjectedEvent[])[],
): Promise<void> {
  const writer = new ProjectionWriter({ projections });
  for (const batch of batches) {
    await beginAsOnlyWriter(
      client,
      projections.map(({ name }) => name),
    );
    await writer.apply(client, batch);
    await client.query('COMMIT');
  }
}

/** All rows of the live tables as they would be written, in order of their keys. */
export async function liveRows(client: ClientBase, projection: Projection): Promise<Record<string, Row[]>> {
  const entries: [string, Row[]][] = [];
  for (const table of projection.tables) {
    const { rows } = await client.query<{ key: string }>({
      text: `SELECT DISTINCT ${table.key[0]!.name} AS key FROM read.${table.name}`,
      types: { getTypeParser: ((oid: number) => (oid === 1184 ? String : pg.types.getTypeParser(oid))) as never },
    });
    const keys = rows.map(({ key }) => key);
    entries.push([table.name, byKey(await new TableWriter(table, 'read').load(client, keys))]);
  }
  return Object.fromEntries(entries);
}

/** Rows in an order that does not depend on how they came about. */
export const byKey = (rows: readonly object[]): Row[] =>
  (rows as Row[]).toSorted((a, b) => (JSON.stringify(sorted(a)) < JSON.stringify(sorted(b)) ? -1 : 1));

const sorted = (row: Row): unknown[] =>
  Object.keys(row)
    .toSorted()
    .map((key) => [key, row[key]]);

/** Empty tables and checkpoints, as a new stack has them. */
export async function emptyTables(client: ClientBase, projections: readonly Projection[]): Promise<void> {
  const tables = projections.flatMap((projection) => projection.tables.map(({ name }) => `read.${name}`));
  await client.query(`TRUNCATE ${tables.join(', ')}, read.projection_positions`);
}
