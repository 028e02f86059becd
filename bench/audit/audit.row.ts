import { isDeepStrictEqual } from 'node:util';
import pg from 'pg';
import { interleaved } from '../harness/rounds.js';
import { atMost, timesAsFast, type BenchRow } from '../harness/row.js';
import { startApp } from '../harness/app-process.js';
import { BEHIND, EVENTS, loadLongStream, STREAM, VERSION } from './long-stream.js';
import type { StateLoad } from './state.contender.js';

const CEILING = 'raw read of its rows';
const SNAPSHOT = 'Tidemark, from a snapshot';
const NOTE = `Over HTTP, folded and masked; the raw read is neither. The snapshot lies ${BEHIND} events before the version asked for.`;

/** An auditor's question, over HTTP: what did this stream look like at that version? */
export const auditRow: BenchRow = {
  name: 'audit',
  measures: `Audit: state of a stream of ${EVENTS.toLocaleString('en-US')} events at a version`,
  quick: true,
  run: async (context) => {
    const databaseUrl = await context.database();
    const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
    const expected = await loadLongStream(pool).finally(() => pool.end());
    const { url } = await startApp(context, 'query-api', { databaseUrl });
    const path = `/audit/streams/${STREAM}/state?version=${VERSION}`;
    const fast = `${path}&fromSnapshot=true`;
    for (const each of [path, fast]) {
      const { state } = (await (await fetch(`${url}${each}`)).json()) as { state: unknown };
      if (!isDeepStrictEqual(state, expected)) throw new Error(`${each} is not the state that its events fold to`);
    }
    const contenders = [
      await context.contender('Tidemark', 'audit/state.contender', { url, path }),
      await context.contender(CEILING, 'audit/raw-rows.contender', { databaseUrl }),
      await context.contender(SNAPSHOT, 'audit/state.contender', { url, path: fast }),
    ];
    const load: StateLoad = { readers: 1, ms: context.pace.roundMs };
    const results = await interleaved(contenders, context.pace.rounds, load);
    const snapshot = results.find(({ name }) => name === SNAPSHOT)!;
    const goals = [timesAsFast(results, CEILING, 0.5), atMost(snapshot.latency!.p50, 10, 'ms p50, from a snapshot')];
    return [{ what: 'one reader', unit: 'states', results, goals, notes: [NOTE] }];
  },
};
