import pg from 'pg';

export async function eventCount(databaseUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number }>('SELECT count(*)::int AS count FROM tidemark.events');
    return rows[0]?.count ?? 0;
  } finally {
    await client.end();
  }
}
