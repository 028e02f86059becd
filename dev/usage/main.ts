import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { isOurs, readStackFile, type StackFile } from '../stack-file.js';
import { hasProc, sampleTree, type ProcessSample } from './proc.js';
import { describeUsage, usageOf } from './usage.js';

const USAGE = `Usage: npm run usage -- [--seconds N] [--json FILE]

Tells what every process of the running stack uses: CPU over a period (default 60 s), memory now and at its peak.
`;

const { seconds, json } = options();
try {
  await run(seconds, json);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}

function options(): { seconds: number; json: string | undefined } {
  try {
    const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, json: { type: 'string' } } });
    if (!/^\d+$/.test(values.seconds) || Number(values.seconds) < 1) throw new Error('--seconds must be a whole number of at least 1');
    return { seconds: Number(values.seconds), json: values.json };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

async function run(seconds: number, json: string | undefined): Promise<void> {
  if (!hasProc()) throw new Error('This needs /proc, as Linux has it.');
  const before = sampleAll(readStackFile());
  const startedAt = performance.now();
  process.stderr.write(`measuring for ${seconds} s\n`);
  await delay(seconds * 1000);
  // Read again: an app that died meanwhile has another id now.
  const after = sampleAll(readStackFile());
  const elapsed = (performance.now() - startedAt) / 1000;
  const usages = [...new Set([...before.keys(), ...after.keys()])].map((name) =>
    usageOf(name, before.get(name) ?? [], after.get(name) ?? [], elapsed),
  );
  if (json !== undefined) await writeFile(json, `${JSON.stringify({ seconds: elapsed, processes: usages }, null, 2)}\n`);
  process.stdout.write(`${describeUsage(usages, elapsed)}\n`);
}

/** Samples by name. Only PostgreSQL counts with its children: they are its backends, while the supervisor's are the apps themselves. */
function sampleAll({ processes }: StackFile): Map<string, ProcessSample[]> {
  return new Map(
    processes.map((entry) => {
      if (!isOurs(entry)) return [entry.name, []];
      const tree = sampleTree(entry.pid);
      return [entry.name, entry.name === 'postgres' ? tree : tree.slice(0, 1)];
    }),
  );
}
