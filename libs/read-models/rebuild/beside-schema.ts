import type { ClientBase } from 'pg';

/** A second set of tables, made like the live ones: the same columns, storage settings, constraints and indexes, of the same names. */
export class BesideSchema {
  constructor(
    private readonly client: ClientBase,
    readonly name: string,
    private readonly tables: readonly string[],
    /** Those among them that only ever get new rows: filling them looks up no key. */
    private readonly appendOnly: readonly string[],
  ) {}

  /** Begins with empty tables; what a killed predecessor left is dropped. What the build does not look up comes later: see addIndexes. */
  async create(): Promise<void> {
    await this.drop();
    await this.client.query(`CREATE SCHEMA ${this.name}`);
    for (const table of this.tables) {
      await this.client.query(`CREATE TABLE ${this.name}.${table} (LIKE read.${table} INCLUDING ALL EXCLUDING INDEXES)`);
      await this.copyStorageSettings(table);
      if (!this.appendOnly.includes(table)) await this.copyKeys(table);
    }
  }

  /**
   * Keys that the build itself does not need, and all other indexes: filling a table is cheaper without, and an index made at once is a
   * sort. Also brings the statistics up to date. @throws the driver's error of class 23 when a row came twice
   */
  async addIndexes(): Promise<void> {
    for (const table of this.tables) {
      if (this.appendOnly.includes(table)) await this.copyKeys(table);
      const { rows } = await this.client.query<{ definition: string }>(
        `SELECT pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i
         WHERE i.indrelid = $1::regclass AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)`,
        [`read.${table}`],
      );
      for (const { definition } of rows) {
        await this.client.query(definition.replace(` ON read.${table} `, ` ON ${this.name}.${table} `));
      }
      await this.client.query(`ANALYZE ${this.name}.${table}`);
    }
  }

  async drop(): Promise<void> {
    await this.client.query(`DROP SCHEMA IF EXISTS ${this.name} CASCADE`);
  }

  /** LIKE does not copy them, and without fillfactor updates would stop being HOT after the first rebuild. */
  private async copyStorageSettings(table: string): Promise<void> {
    const { rows } = await this.client.query<{ settings: string[] | null }>(
      'SELECT reloptions AS settings FROM pg_class WHERE oid = $1::regclass',
      [`read.${table}`],
    );
    const settings = rows[0]?.settings ?? [];
    if (settings.length > 0) await this.client.query(`ALTER TABLE ${this.name}.${table} SET (${settings.join(', ')})`);
  }

  private async copyKeys(table: string): Promise<void> {
    const { rows } = await this.client.query<{ name: string; definition: string }>(
      `SELECT quote_ident(conname) AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
       WHERE conrelid = $1::regclass AND contype IN ('p', 'u')`,
      [`read.${table}`],
    );
    for (const { name, definition } of rows) {
      await this.client.query(`ALTER TABLE ${this.name}.${table} ADD CONSTRAINT ${name} ${definition}`);
    }
  }
}
