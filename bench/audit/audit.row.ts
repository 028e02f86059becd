import { isDeepStrictEqual } from 'node:util';
import pg from 'pg';
import { interleaved } from '../harness/rounds.js';
import { timesAsFast, type BenchRow } from '../harness/row.js';
import { startApp } from '../http/servers.js';
import { EVENTS, loadLongStream, STREAM, VERSION } from './long-stream.js';
import type { StateLoad } from './state.contender.js';

const CEILING = 'raw read of its rows';

/** An auditor's question, over HTTP: what did this stream look like at that version? */
export const auditRow: BenchRow = {
  name: 'audit',
  measures: `Audit: state of a stream of ${EVENTS.toLocaleString('en-US')} events at a version`,
  quick: true,
  run: async (context) => {
    const databaseUrl = await context.database();
    const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
    const expected = await loadLongStream(pool).finally(() => pool.end());
    const url = await startApp(context, 'query-api', databaseUrl);
    const path = `/audit/streams/${STREAM}/state?version=${VERSION}`;
    const { state } = (await (await fetch(`${url}${path}`)).json()) as { state: unknown };
    if (!isDeepStrictEqual(state, expected)) throw new Error(`${path} is not the state that its events fold to`);
    const contenders = [
      await context.contender('Tidemark', 'audit/state.contender', { url, path }),
      await context.contender(CEILING, 'audit/raw-rows.contender', { databaseUrl }),
    ];
    const load: StateLoad = { readers: 1, ms: context.pace.roundMs };
    const results = await interleaved(contenders, context.pace.rounds, load);
    return [{ what: 'one reader', unit: 'states', results, goals: [timesAsFast(results, CEILING, 0.5)] }];
  },
};
