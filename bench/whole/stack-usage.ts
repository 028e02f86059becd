import { readFileSync } from 'node:fs';
import { isOurs, readStackFile } from '../../dev/stack-file.js';
import { sampleTree, type ProcessSample } from '../../dev/usage/proc.js';
import { usageOf, type ProcessUsage } from '../../dev/usage/usage.js';

const NO_NODE = ['postgres', 'kafka', 'supervisor'];

/** What the processes of a stack have used so far, by name; PostgreSQL with its backends. */
export class StackUsage {
  private readonly before: Map<string, ProcessSample[]>;
  private readonly startedAt = performance.now();

  constructor(private readonly stateDir: string) {
    this.before = this.sample();
  }

  /** Since it was made. */
  since(): ProcessUsage[] {
    const seconds = (performance.now() - this.startedAt) / 1_000;
    const after = this.sample();
    return [...after.keys()].map((name) => usageOf(name, this.before.get(name) ?? [], after.get(name) ?? [], seconds));
  }

  private sample(): Map<string, ProcessSample[]> {
    const processes = readStackFile(this.stateDir).processes.filter(({ name }) => name !== 'supervisor');
    return new Map(
      processes.map((entry) => {
        const tree = isOurs(entry) ? sampleTree(entry.pid) : [];
        return [entry.name, entry.name === 'postgres' ? tree : tree.slice(0, 1)];
      }),
    );
  }
}

/** Processes that are ours and run on Node. */
export const nodesOf = (usages: readonly ProcessUsage[]): ProcessUsage[] => usages.filter(({ name }) => !NO_NODE.includes(name));

/** CPU time of the whole machine so far: all of it, and what nobody used (waiting for a disk included). Seconds, all cores added up. */
export function machineTime(): { total: number; unused: number } {
  const fields = (readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '').trim().split(/\s+/).slice(1, 9).map(Number);
  const [, , , idle = 0, waiting = 0] = fields;
  return { total: fields.reduce((sum, field) => sum + field, 0) / 100, unused: (idle + waiting) / 100 };
}
