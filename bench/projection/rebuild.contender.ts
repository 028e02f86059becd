import { PassThrough } from 'node:stream';
import { runRebuild } from '../../apps/projector/rebuild-command.js';
import type { Contender } from '../harness/contender.js';
import type { RebuildLoad, RebuildSettings } from './rebuild-load.js';

/** `npm run rebuild`: builds beside the live tables, compares row by row, swaps. */
export async function open({ databaseUrl, events }: RebuildSettings): Promise<Contender<RebuildLoad>> {
  return {
    round: async ({ projections }) => {
      const out = new PassThrough();
      let told = '';
      out.on('data', (chunk: Buffer) => (told += chunk.toString()));
      const startedAt = performance.now();
      // The first round finds empty live tables: nothing has been projected here before.
      const fine = await runRebuild(projections, { databaseUrl, accept: true, out, err: process.stderr });
      const seconds = (performance.now() - startedAt) / 1_000;
      if (!fine) throw new Error(told);
      return { perSecond: events / seconds };
    },
    close: () => Promise.resolve(),
  };
}
