import type { Curve, Point } from '../harness/curve.js';
import { appendRate } from './append-probe.js';
import { fillStore } from './bulk-events.js';

const SIZES = [0, 1_000_000, 3_000_000, 10_000_000];
const EVENTS_A_STREAM = 10;
const LOST_AT_MOST = 0.2;

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
      const more = size - (SIZES[index - 1] ?? 0);
      if (more > 0) await fillStore(databaseUrl, more / EVENTS_A_STREAM, EVENTS_A_STREAM);
      for (const inFlight of [1, 64]) {
        const y = await appendRate(contender, { inFlight, events: 1, ms: 2_000 });
        points.push({ series: `${inFlight} in flight`, x: size, y });
      }
      context.say(`  ${size.toLocaleString('en-US')} events`);
    }
    const [first, last] = [SIZES[0], SIZES.at(-1)].map(
      (size) => points.find(({ series, x }) => series === '64 in flight' && x === size)!.y,
    );
    const lost = 1 - last! / first!;
    return {
      points,
      findings: [`64 in flight: ${(100 * lost).toFixed(0)} % lost at 10 million (wanted: at most ${100 * LOST_AT_MOST} %)`],
    };
  },
};
