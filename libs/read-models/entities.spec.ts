/** Proves: entities and migrations describe the same tables, so that query-api reads what the projector writes. */
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/harness/index.js';
import { READ_MODEL_ENTITIES } from './entities.js';
import { PROJECTIONS } from './projections.js';

let database: TestDatabase;
let source: DataSource;

beforeAll(async () => {
  database = await createTestDatabase();
  source = await new DataSource({ type: 'postgres', url: database.url, entities: READ_MODEL_ENTITIES }).initialize();
});
afterAll(async () => {
  await source.destroy();
  await database.drop();
});

const TYPES: Record<string, string> = { 'timestamp with time zone': 'timestamp(3) with time zone' };

it.each(READ_MODEL_ENTITIES.map((entity) => [entity.name, entity] as const))('%s', async (_name, entity) => {
  const { tableName, columns, primaryColumns } = source.getMetadata(entity);
  const described = await source.query<{ name: string; type: string; nullable: boolean; computed: boolean }[]>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type, NOT attnotnull AS nullable, attgenerated <> '' AS computed
     FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname`,
    [`read.${tableName}`],
  );
  const declared = columns.map(({ databaseName, type, isNullable, generatedType }) => ({
    name: databaseName,
    type: TYPES[type as string] ?? type,
    nullable: isNullable,
    computed: generatedType !== undefined,
  }));
  const sort = (rows: readonly { name: string }[]) => rows.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  // Computed columns are never null, and dates of a customer are null only in what a merge proposes: entities are stricter there.
  const comparable = described.map((column) => {
    const looser = column.nullable && !declared.find(({ name }) => name === column.name)?.nullable;
    return looser && (column.computed || tableName === 'customers') ? { ...column, nullable: false } : column;
  });
  expect(sort(declared)).toEqual(sort(comparable));
  const [{ key }] = await source.query<[{ key: string[] }]>(
    `SELECT array_agg(a.attname::text ORDER BY k.place) AS key FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
     JOIN pg_attribute a USING (attnum) WHERE i.indrelid = $1::regclass AND i.indisprimary AND a.attrelid = i.indrelid`,
    [`read.${tableName}`],
  );
  expect(primaryColumns.map(({ databaseName }) => databaseName)).toEqual(key);
});

it('every table belongs to one projection, or is the checkpoints of all', () => {
  const owned = PROJECTIONS.flatMap(({ tables }) => tables.map(({ name }) => name));
  expect(new Set(owned).size).toBe(owned.length);
  expect([...owned, 'projection_positions'].toSorted()).toEqual(
    READ_MODEL_ENTITIES.map((entity) => source.getMetadata(entity).tableName).toSorted(),
  );
});
