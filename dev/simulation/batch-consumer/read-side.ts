import pg from 'pg';
import { PROJECTIONS } from '#read-models';
import type { Projection } from '#read-models/write';
import { ChangeSet } from '../../../libs/read-models/projection/change-set.js';
import { SqlError, type ColumnType, type Statements } from '../postgres/statements.js';
import { MemoryTable, type Transaction } from '../postgres/transaction.js';

type Row = Record<string, unknown>;
type TableShape = Projection['tables'][number];

interface Position {
  readonly projection: string;
  readonly streamId: string;
  readonly version: number;
}

/** The tables of all projections and their checkpoints, and the statements of the projector over them. */
export class ReadSide {
  private readonly positions = new MemoryTable<Position>('positions');
  private readonly tables = new Map<string, MemoryTable<Row>>();

  constructor(statements: Statements) {
    statements.name('load read.projection_positions', (transaction, [projections, streamIds]) => ({
      columns: [
        ['projection', 'text'],
        ['stream_id', 'text'],
        ['version', 'int4'],
      ],
      rows: (projections as string[]).flatMap((projection) =>
        (streamIds as string[]).flatMap((streamId) => {
          const position = transaction.get(this.positions, `${projection} ${streamId}`);
          return position === undefined ? [] : [[projection, streamId, position.version]];
        }),
      ),
    }));
    statements.name('save read.projection_positions', (transaction, [projections, streamIds, versions]) => {
      (projections as string[]).forEach((projection, index) => {
        const streamId = (streamIds as string[])[index] as string;
        transaction.put(this.positions, `${projection} ${streamId}`, {
          projection,
          streamId,
          version: (versions as number[])[index] as number,
        });
      });
      return { count: (projections as string[]).length };
    });
    for (const table of PROJECTIONS.flatMap(({ tables }) => tables)) this.serve(table, statements);
  }

  /** Last version of the stream that this projection has; 0 for none. */
  position(projection: string, streamId: string): number {
    return this.positions.rows.get(`${projection} ${streamId}`)?.version ?? 0;
  }

  rows(table: string): Row[] {
    return [...(this.tables.get(table)?.rows.values() ?? [])];
  }

  private serve(shape: TableShape, statements: Statements): void {
    const table = new MemoryTable<Row>(shape.name);
    this.tables.set(shape.name, table);
    const { columns } = shape;
    statements.name(`load read.${shape.name}`, (transaction, [keys]) => ({
      columns: columns.map(({ property, type }) => [property, columnType(type)] as const),
      rows: transaction
        .all(table)
        .filter((row) => (keys as string[]).includes(row[columns[0]!.property] as string))
        .map((row) => columns.map(({ property }) => row[property])),
    }));
    statements.name(`write read.${shape.name}`, (transaction, values) => {
      const arrays = values.map((array) => elementsOf(array as string));
      const count = arrays[0]?.length ?? 0;
      for (let i = 0; i < count; i += 1) {
        const row = Object.fromEntries(columns.map(({ property, type }, c) => [property, read(type, arrays[c]?.[i] ?? null)]));
        write(transaction, table, shape, row);
      }
      return { count };
    });
  }
}

function write(transaction: Transaction, table: MemoryTable<Row>, shape: TableShape, row: Row): void {
  const key = JSON.stringify(shape.key.map(({ property }) => row[property]));
  const known = transaction.get(table, key);
  if (known === undefined) return transaction.put(table, key, row);
  if (shape.appendOnly) throw new SqlError('23505', `duplicate key in ${shape.name}`);
  const merged = new ChangeSet();
  merged.add({ table: shape, row: known });
  merged.add({ table: shape, row });
  transaction.put(table, key, merged.rows(shape)[0] as Row);
}

/** OID of text[], which the typings leave out. */
const TEXT_ARRAY = 1009 as number;
/** Of an array as PostgreSQL writes it. */
const elementsOf = pg.types.getTypeParser(TEXT_ARRAY) as (array: string) => (string | null)[];

function read(type: string, value: string | null): unknown {
  if (value === null) return null;
  switch (type) {
    case 'jsonb':
      return JSON.parse(value);
    case 'boolean':
      return value === 'true';
    case 'integer':
    case 'smallint':
    case 'bigint':
      return Number(value);
    default:
      return value;
  }
}

function columnType(type: string): ColumnType {
  switch (type) {
    case 'bigint':
      return 'int8';
    case 'integer':
      return 'int4';
    case 'boolean':
      return 'bool';
    case 'timestamptz':
    case 'jsonb':
      return type;
    default:
      return 'text';
  }
}
