import type { Curve, Point } from '../harness/curve.js';
import type { AppendLoad } from '../append/append-load.js';

const INSTANCES = [1, 2, 4];
const IN_FLIGHT = 64;

/** Several processes that append to one store, each with a group commit of its own. */
export const instancesCurve: Curve = {
  name: 'growth-instances',
  title: 'Appends by the number of processes that append',
  x: 'processes',
  y: 'appends/s',
  logarithmic: false,
  run: async (context) => {
    const databaseUrl = await context.database();
    const load: AppendLoad = { inFlight: IN_FLIGHT, events: 1, ms: 3_000, command: true };
    const all = [];
    const points: Point[] = [];
    for (const instances of INSTANCES) {
      while (all.length < instances)
        all.push(await context.contender(`process ${all.length + 1}`, 'append/tidemark.contender', { databaseUrl }));
      await Promise.all(all.map((each) => each.round({ ...load, ms: 500 })));
      const measures = await Promise.all(all.map((each) => each.round(load)));
      points.push({
        series: `${IN_FLIGHT} in flight in each`,
        x: instances,
        y: measures.reduce((sum, { perSecond }) => sum + perSecond, 0),
      });
    }
    return { points, findings: ['all of them and PostgreSQL share the cores of this machine'] };
  },
};
