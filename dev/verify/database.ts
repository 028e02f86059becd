import pg from 'pg';

/** What the checks ask of PostgreSQL. Whole numbers come as numbers; sums must be cast to bigint in SQL. */
export interface Database {
  rows<Row extends object>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Rows in their order, in pages, so that a result of any size fits into memory. */
  stream<Row extends object>(sql: string): AsyncIterable<Row[]>;
}

const INT8 = 20;
const NUMERIC = 1700;
const PAGE = 10_000;
/** So that a check of a database that hangs ends as well; the longest query of a run of hours takes minutes. Milliseconds. */
const CONNECT_WITHIN_MS = 30_000;
const ANSWER_WITHIN_MS = 900_000;

const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary'): unknown =>
    oid === INT8 || oid === NUMERIC ? Number : pg.types.getTypeParser(oid, format as 'text'),
} as pg.CustomTypesConfig;

/** PostgreSQL behind the port. Its sessions may use more memory for sorting than the apps' do: these queries look at everything. */
export class PostgresDatabase implements Database {
  private readonly pool: pg.Pool;

  /** @param answerWithinMs a query that takes longer fails */
  constructor(databaseUrl: string, answerWithinMs = ANSWER_WITHIN_MS) {
    this.pool = new pg.Pool({
      connectionString: databaseUrl,
      max: 2,
      application_name: 'tidemark-verify',
      connectionTimeoutMillis: CONNECT_WITHIN_MS,
      query_timeout: answerWithinMs,
      options: '-c timezone=UTC -c work_mem=128MB -c default_transaction_read_only=on',
      types,
    });
    // A connection lost while idle is replaced; one lost during a query fails that query.
    this.pool.on('error', () => undefined);
  }

  async rows<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.pool.query<Row>(sql, [...values])).rows;
  }

  async *stream<Row extends object>(sql: string): AsyncGenerator<Row[]> {
    const client = await this.pool.connect();
    try {
      await client.query(`BEGIN; DECLARE everything NO SCROLL CURSOR FOR ${sql}`);
      for (;;) {
        const { rows } = await client.query<Row>(`FETCH ${PAGE} FROM everything`);
        if (rows.length === 0) break;
        yield rows;
      }
    } finally {
      await client.query('ROLLBACK').catch(() => undefined);
      client.release();
    }
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}
