import { EventStore, GroupCommit } from '#event-store';
import pg from 'pg';
import { closedLoop, type Contender } from '../harness/contender.js';
import { appendRequest, type AppendLoad } from './append-load.js';

/** In a shared commit: events and outbox rows as the orchestrator appends them; with a command, its key and its answer too, as command-api does. */
export async function open({ databaseUrl }: { readonly databaseUrl: string }): Promise<Contender<AppendLoad>> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 });
  const commits = new GroupCommit({ store: new EventStore({ pool }) });
  return {
    round: (load) =>
      closedLoop(load.inFlight, load.ms, async () => {
        const { outcome } = await commits.append(appendRequest(load));
        if (outcome !== 'appended') throw new Error(`unexpected verdict ${outcome}`);
      }),
    close: async () => {
      await commits.close();
      await pool.end();
    },
  };
}
