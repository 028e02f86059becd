import type { Pool, QueryResult, QueryResultRow } from 'pg';
import type { DataSource } from 'typeorm';
import { rowTypes } from '#platform';
import { databaseAway } from './query-problems.js';

/**
 * Statements in our own words on TypeORM's connections, prepared once on each. For what is asked most: TypeORM has PostgreSQL parse and
 * plan its statements every time, and makes entities of rows only to have answers made of those. Whole numbers come as numbers and times
 * as ISO 8601 text, so that a row can be an answer. One of these a data source: two would give the same names to other statements.
 *
 * One statement always sees one state of its tables, also while a rebuild swaps them: it locks them before it takes its snapshot. Name
 * them in the order in which a swap locks them (see readTogether, which is for answers that need more than one).
 */
export class ReadStatements {
  private readonly names = new Map<string, string>();

  constructor(private readonly dataSource: DataSource) {}

  /** @param text one of a few: each is kept, prepared, as long as its connection is */
  async rows<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<Row[]> {
    if (!this.dataSource.isInitialized) throw databaseAway();
    const { master } = this.dataSource.driver as unknown as { readonly master: Pool };
    const { rows }: QueryResult<Row> = await master.query({ name: this.nameOf(text), text, values: [...values], types: rowTypes });
    return rows;
  }

  private nameOf(text: string): string {
    let name = this.names.get(text);
    if (name === undefined) this.names.set(text, (name = `read-${this.names.size + 1}`));
    return name;
  }
}
