import type { Curve, Point } from '../harness/curve.js';
import { probe } from './probe.js';
import { fillStore } from './bulk-events.js';
import type { ExistingLoad } from './existing-streams.contender.js';

const STREAMS = [10, 100, 1_000, 10_000, 100_000, 1_000_000];

/** Appends to streams that exist, spread over few or many of them. */
export const streamsCurve: Curve = {
  name: 'growth-streams',
  title: 'Appends to existing streams, by how many there are',
  x: 'streams',
  y: 'appends/s',
  logarithmic: true,
  run: async (context) => {
    const databaseUrl = await context.database();
    const contender = await context.contender('Tidemark', 'growth/existing-streams.contender', { databaseUrl });
    const points: Point[] = [];
    for (const [index, streams] of STREAMS.entries()) {
      await fillStore(databaseUrl, { first: STREAMS[index - 1] ?? 0, last: streams, eventsEach: 1 });
      const load: ExistingLoad = { kind: 'append', inFlight: 64, streams, padding: 0, ms: 2_000 };
      points.push({ series: '64 in flight, one at a time to each stream', x: streams, y: (await probe(contender, load)).perSecond.median });
      context.say(`  ${streams.toLocaleString('en-US')} streams`);
    }
    return { points, findings: ['with 10 streams at most 10 appends are in flight: a stream takes one at a time'] };
  },
};
