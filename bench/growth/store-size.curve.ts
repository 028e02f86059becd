import type { Curve, Point } from '../harness/curve.js';
import { probe } from './probe.js';
import { fillStore } from './bulk-events.js';

const SIZES = [0, 1_000_000, 3_000_000, 10_000_000];
const EVENTS_EACH = 10;
const LOST_AT_MOST = 20;

/** Whether a store that has grown takes appends as fast as an empty one. */
export const storeSizeCurve: Curve = {
  name: 'growth-store',
  title: 'Appends as the store grows',
  x: 'events in the store',
  y: 'appends/s',
  logarithmic: false,
  run: async (context) => {
    const databaseUrl = await context.database();
    const contender = await context.contender('Tidemark', 'append/tidemark.contender', { databaseUrl });
    const points: Point[] = [];
    for (const [index, size] of SIZES.entries()) {
      const before = SIZES[index - 1] ?? 0;
      await fillStore(databaseUrl, { first: before / EVENTS_EACH, last: size / EVENTS_EACH, eventsEach: EVENTS_EACH });
      for (const inFlight of [1, 64]) {
        const { perSecond } = await probe(contender, { inFlight, events: 1, ms: 2_000 });
        points.push({ series: `${inFlight} in flight`, x: size, y: perSecond.median });
      }
      context.say(`  ${size.toLocaleString('en-US')} events`);
    }
    const crowded = points.filter(({ series }) => series === '64 in flight');
    const lost = 100 * (1 - crowded.at(-1)!.y / crowded[0]!.y);
    const change = lost > 0 ? `${lost.toFixed(0)} % lost` : 'nothing lost';
    return { points, findings: [`64 in flight: ${change} at 10 million events (wanted: at most ${LOST_AT_MOST} %)`] };
  },
};
