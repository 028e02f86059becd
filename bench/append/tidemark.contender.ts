import { EventStore, GroupCommit } from '#event-store';
import pg from 'pg';
import { closedLoop, type Contender } from '../harness/contender.js';
import { appendRequest, type AppendLoad } from './append-load.js';

/** As command-api appends: events, outbox rows, the key and its answer, in a shared commit. */
export async function open({ databaseUrl }: { readonly databaseUrl: string }): Promise<Contender<AppendLoad>> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 });
  const commits = new GroupCommit({ store: new EventStore({ pool }) });
  return {
    round: ({ inFlight, events, ms }) =>
      closedLoop(inFlight, ms, async () => {
        const { outcome } = await commits.append(appendRequest(events));
        if (outcome !== 'appended') throw new Error(`unexpected verdict ${outcome}`);
      }),
    close: async () => {
      await commits.close();
      await pool.end();
    },
  };
}
