import type { Curve, Point } from '../harness/curve.js';

const IN_FLIGHT = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** What sharing a commit costs the one who appends: a lone request waits for nobody. */
export const groupCommitCurve: Curve = {
  name: 'growth-batch',
  title: 'Latency of an append as more of them share a commit',
  x: 'appends in flight',
  y: 'ms',
  logarithmic: true,
  run: async (context) => {
    const contender = await context.contender('Tidemark', 'append/tidemark.contender', { databaseUrl: await context.database() });
    const points: Point[] = [];
    const rates: string[] = [];
    for (const inFlight of IN_FLIGHT) {
      const load = { inFlight, events: 1, ms: 2_000, command: true };
      await contender.round({ ...load, ms: 500 });
      const { perSecond, latency } = await contender.round(load);
      points.push({ series: 'p50', x: inFlight, y: latency!.p50 }, { series: 'p99', x: inFlight, y: latency!.p99 });
      rates.push(`${inFlight}: ${Math.round(perSecond).toLocaleString('en-US')}/s`);
    }
    return { points, findings: [`appends a second by how many are in flight: ${rates.join(', ')}`] };
  },
};
