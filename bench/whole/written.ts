import pg from 'pg';

/** What a database holds, and what writing it took. */
export interface Written {
  readonly events: number;
  /** Events, outbox, read models and all their indexes. */
  readonly storedBytes: number;
  /** Write-ahead log since the cluster was made. */
  readonly logBytes: number;
}

export async function written(databaseUrl: string): Promise<Written> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<Written>(`
      SELECT (SELECT count(*) FROM tidemark.events)::int AS events, pg_database_size(current_database())::float8 AS "storedBytes",
        pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 AS "logBytes"`);
    return rows[0]!;
  } finally {
    await client.end();
  }
}
