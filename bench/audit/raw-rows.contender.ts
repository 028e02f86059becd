import pg from 'pg';
import { closedLoop, type Contender } from '../harness/contender.js';
import { STREAM, VERSION } from './long-stream.js';
import type { StateLoad } from './state.contender.js';

/** The ceiling: the rows of the stream up to the version, read and thrown away. No HTTP, no fold. */
export async function open({ databaseUrl }: { readonly databaseUrl: string }): Promise<Contender<StateLoad>> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  const read = async (): Promise<void> => {
    const { rows } = await pool.query({
      name: 'raw-rows',
      text: 'SELECT * FROM tidemark.events WHERE stream_id = $1 AND version <= $2 ORDER BY version',
      values: [STREAM, VERSION],
    });
    if (rows.length !== VERSION) throw new Error(`${rows.length} rows instead of ${VERSION}`);
  };
  return { round: ({ readers, ms }) => closedLoop(readers, ms, read), close: () => pool.end() };
}
