import type { BenchContext } from '../harness/bench-context.js';
import type { Curve, Point } from '../harness/curve.js';
import { told } from '../harness/row.js';
import { consumers } from './consumer-fleets.js';
import { servers } from './server-fleets.js';

/** So many processes of an app at work on the same thing. Answers what they do together, each second. */
export interface Fleet {
  readonly app: string;
  readonly unit: string;
  perSecond(context: BenchContext, instances: number): Promise<number>;
}

const INSTANCES = [1, 2, 4];

/** What a second and a fourth process of each app bring. */
export const instancesCurve: Curve = {
  name: 'growth-instances',
  title: 'Work a second by the number of processes of an app, beside one of them',
  x: 'processes',
  y: '× one process',
  logarithmic: false,
  run: async (context) => {
    const points: Point[] = [];
    const findings: string[] = [];
    for (const { app, unit, perSecond } of [...servers, ...consumers]) {
      const rates: number[] = [];
      for (const instances of INSTANCES) {
        context.say(`  ${instances} × ${app} …`);
        rates.push(await perSecond(context, instances));
        points.push({ series: app, x: instances, y: rates.at(-1)! / rates[0]! });
      }
      findings.push(`${app}: ${rates.map((rate, index) => `${told(rate)} ${unit}/s with ${INSTANCES[index]}`).join(', ')}`);
    }
    findings.push(
      'All of them, PostgreSQL, Kafka and what drives them share the cores of this machine: more processes find no more of them.',
    );
    return { points, findings };
  },
};
