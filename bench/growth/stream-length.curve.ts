import type { Curve, Point } from '../harness/curve.js';
import { probe } from './probe.js';
import { fillStore } from './bulk-events.js';
import type { ExistingLoad } from './existing-streams.contender.js';

const LENGTHS = [1, 10, 100, 1_000, 10_000, 100_000];

/** What a long stream costs the one who loads it. */
export const streamLengthCurve: Curve = {
  name: 'growth-stream-length',
  title: 'Loading a stream, by its length',
  x: 'events in the stream',
  y: 'ms',
  logarithmic: true,
  run: async (context) => {
    const databaseUrl = await context.database();
    const contender = await context.contender('Tidemark', 'growth/existing-streams.contender', { databaseUrl });
    const points: Point[] = [];
    for (const [stream, length] of LENGTHS.entries()) {
      await fillStore(databaseUrl, { first: stream, last: stream + 1, eventsEach: length });
      for (const snapshot of [false, true]) {
        const load: ExistingLoad = { kind: 'load', stream, snapshot, times: length > 10_000 ? 3 : 20 };
        const { latency } = await probe(contender, load);
        points.push({ series: snapshot ? 'from its snapshot' : 'from its events', x: length, y: latency!.p50 });
      }
    }
    return { points, findings: ['a process keeps folded streams in memory: this is the first load, or the one after a restart'] };
  },
};
