import pg from 'pg';
import type { Contender } from '../harness/contender.js';
import type { RebuildLoad, RebuildSettings } from './rebuild-load.js';

const PAGE = 5_000;

/** The ceiling: the same rows read in the same pages, and nothing done with them. */
export async function open({ databaseUrl, events }: RebuildSettings): Promise<Contender<RebuildLoad>> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  return {
    round: async () => {
      const startedAt = performance.now();
      let seen = 0;
      for (let after = 0; ;) {
        const { rows } = await client.query<unknown[]>({
          name: 'page',
          text: `SELECT position, stream_id, version, event_id, type, schema_version, data, occurred_at::text, recorded_at::text, actor
                 FROM tidemark.events WHERE position > $1 ORDER BY position LIMIT ${PAGE}`,
          values: [after],
          rowMode: 'array',
        });
        if (rows.length === 0) break;
        seen += rows.length;
        after = Number(rows.at(-1)![0]);
      }
      if (seen !== events) throw new Error(`${seen} of ${events} events were read`);
      return { perSecond: events / ((performance.now() - startedAt) / 1_000) };
    },
    close: () => client.end(),
  };
}
