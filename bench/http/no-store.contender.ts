import 'reflect-metadata';
import { createLogger, startHttpApp } from '#platform';
import { EventReader, EventStore } from '#event-store';
import pg from 'pg';
import { aggregatesOn } from '../../apps/command-api/aggregates.js';
import { CommandApiModule } from '../../apps/command-api/command-api.module.js';
import type { Contender } from '../harness/contender.js';

/** command-api as it is, on a store that answers at once and keeps nothing: what the store costs is the difference. */
export async function open({ port }: { readonly port: number }): Promise<Contender> {
  const pool = new pg.Pool({ max: 1 });
  const aggregates = aggregatesOn({
    pool,
    store: new EventStore({ pool }),
    reader: new EventReader({ pool }),
    groupCommit: { append: async () => ({ outcome: 'appended' }) as const },
    onCommitted: () => undefined,
    maxRunning: 2_000,
  });
  const app = await startHttpApp(CommandApiModule.register(aggregates), {
    name: 'command-api',
    description: 'without a store',
    version: '1.0.0',
    logger: createLogger({ app: 'command-api', level: 'warn' }),
    port,
    handleSignals: false,
  });
  return { round: () => Promise.reject(new Error('a server is asked over HTTP')), close: () => app.close() };
}
