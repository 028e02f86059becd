import { getMetadataArgsStorage } from 'typeorm';

/**
 * What happens to a column when a row of that key exists already:
 * - `put`: the new value replaces the old one
 * - `sum`: added up
 * - `min`, `max`: the smaller or larger one stays; null says nothing
 * - `latest`: replaced together with its group when the table's `latestBy` is greater; a null there says nothing
 * All but `put` give the same row in whatever order the streams are applied, which is what makes a rebuild comparable.
 */
export type MergeRule = 'put' | 'sum' | 'min' | 'max' | 'latest';

/** A row as it is written: an entity with its moments as ISO 8601 text. */
export type Written<Entity> = {
  -readonly [Property in keyof Entity]: Entity[Property] extends Date
    ? string
    : Entity[Property] extends Date | null
      ? string | null
      : Entity[Property];
};

export interface Column {
  readonly property: string;
  /** Name in the database. */
  readonly name: string;
  /** PostgreSQL type. */
  readonly type: string;
  readonly rule: MergeRule;
}

export interface TableOptions<Entity> {
  /** Rules of the columns that are not simply `put`. */
  readonly rules?: { readonly [Property in keyof Entity]?: MergeRule };
  /** Columns whose values, compared in this order, say which row is later. */
  readonly latestBy?: readonly (keyof Entity & string)[];
  /** Rows are only ever added: a key that exists already is an error. */
  readonly appendOnly?: boolean;
  /** Columns that a rebuild does not compare. */
  readonly notCompared?: readonly (keyof Entity & string)[];
}

/** A table of a projection; its columns are those of its entity. `Row` is what may be written (computed columns may not). */
export class Table<Row extends object = object> {
  declare readonly row: Row;
  /** A later row of a key takes the place of the one before. */
  readonly replaced: boolean;

  constructor(
    readonly name: string,
    readonly key: readonly Column[],
    /** The written ones other than the key. */
    readonly values: readonly Column[],
    /** Database names of all columns that a rebuild compares, the key first. */
    readonly compared: readonly string[],
    readonly latestBy: readonly Column[],
    readonly appendOnly: boolean,
  ) {
    this.replaced = values.every(({ rule }) => rule === 'put');
  }

  get columns(): readonly Column[] {
    return [...this.key, ...this.values];
  }
}

/** Describes an entity's table for projections. The entity stays the one place that names columns and types. */
export function tableOf<Entity extends object, Computed extends keyof Entity = never>(
  entity: new () => Entity,
  options: TableOptions<Entity> = {},
): Table<Written<Omit<Entity, Computed>>> {
  const storage = getMetadataArgsStorage();
  const table = storage.tables.find(({ target }) => target === entity);
  if (table?.name === undefined) throw new Error(`${entity.name} is not an entity with a table name`);
  const described = storage.columns
    .filter(({ target }) => target === entity)
    .map(({ propertyName: property, options: column }) => ({
      property,
      name: column.name ?? property,
      type: column.type === 'timestamp with time zone' ? 'timestamptz' : String(column.type),
      rule: options.rules?.[property as keyof Entity] ?? ('put' as const),
      isKey: column.primary === true,
      isComputed: column.generatedType !== undefined,
    }));
  const key = described.filter(({ isKey }) => isKey);
  const skipped: readonly string[] = options.notCompared ?? [];
  return new Table(
    table.name,
    key,
    described.filter(({ isKey, isComputed }) => !isKey && !isComputed),
    [...key, ...described.filter(({ isKey, property }) => !isKey && !skipped.includes(property))].map(({ name }) => name),
    (options.latestBy ?? []).map((property) => described.find((column) => column.property === property)!),
    options.appendOnly ?? false,
  );
}
