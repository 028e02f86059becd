import { setTimeout as delay } from 'node:timers/promises';
import { spreadOf } from '../harness/rounds.js';
import { atMost, type BenchRow } from '../harness/row.js';
import { nodesOf, StackUsage } from './stack-usage.js';

/** Consumers have joined, caches are made, the start's rubbish is collected. */
const CALM_AFTER_MS = 20_000;
const MEASURED_MS = 60_000;

/** What the stack uses while nobody asks it for anything. */
export const idleRow: BenchRow = {
  name: 'idle',
  measures: 'Idle stack: CPU',
  quick: false,
  run: async (context) => {
    const { config, stop } = await context.stack();
    await delay(CALM_AFTER_MS);
    const usage = new StackUsage(config.stateDir);
    context.say(`  measuring for ${MEASURED_MS / 1_000} s …`);
    await delay(MEASURED_MS);
    const used = usage.since();
    await stop();
    const percentOf = (names: readonly string[]): number =>
      used.filter(({ name }) => names.includes(name)).reduce((sum, { cpuPercent }) => sum + cpuPercent, 0);
    const nodes = nodesOf(used).map(({ name }) => name);
    return [
      {
        what: 'percent of one core over a minute',
        unit: '%',
        results: used.map(({ name, cpuPercent }) => ({ name, perSecond: spreadOf([cpuPercent]) })),
        unrelated: true,
        goals: [atMost(percentOf(nodes), 3, '% all Node processes'), atMost(percentOf(['postgres']), 1, '% PostgreSQL')],
      },
    ];
  },
};
