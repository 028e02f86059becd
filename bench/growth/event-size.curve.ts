import type { Curve, Point } from '../harness/curve.js';
import { probe } from './probe.js';
import { fillStore } from './bulk-events.js';
import type { ExistingLoad } from './existing-streams.contender.js';

const BYTES = [200, 1_024, 4_096, 16_384, 65_536];
const STREAMS = 10_000;
/** Of an event as the contender makes it without padding. */
const BARE_BYTES = 150;

/** What large events cost. */
export const eventSizeCurve: Curve = {
  name: 'growth-event-size',
  title: 'Appends by the size of an event',
  x: 'bytes an event',
  y: 'appends/s',
  logarithmic: true,
  run: async (context) => {
    const databaseUrl = await context.database();
    await fillStore(databaseUrl, { first: 0, last: STREAMS, eventsEach: 1 });
    const contender = await context.contender('Tidemark', 'growth/existing-streams.contender', { databaseUrl });
    const points: Point[] = [];
    for (const bytes of BYTES) {
      const load: ExistingLoad = { kind: 'append', inFlight: 64, streams: STREAMS, padding: bytes - BARE_BYTES, ms: 2_000 };
      points.push({ series: '64 in flight', x: bytes, y: (await probe(contender, load)).perSecond.median });
    }
    const rates = points.map(({ x, y }) => `${x.toLocaleString('en-US')} B: ${((x * y) / 2 ** 20).toFixed(1)} MiB/s`);
    return { points, findings: [`payload a second: ${rates.join(', ')} (not compressible)`] };
  },
};
