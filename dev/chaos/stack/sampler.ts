import { closeSync, mkdirSync, openSync, readdirSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { sampleProcess } from '../../usage/proc.js';
import type { ResourceSample, StackSample } from '../history/resource-sample.js';
import type { ChaosStack } from './chaos-stack.js';
import type { StackWatch } from './stack-watch.js';

/** Looks at every process and at the stack as a whole, and writes down what it saw as JSON lines. */
export class Sampler {
  readonly samples: ResourceSample[] = [];
  private readonly file: number;
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();

  constructor(
    private readonly options: {
      readonly stack: ChaosStack;
      readonly watch: StackWatch;
      readonly path: string;
      readonly everyMs: number;
      readonly onSample: (sample: StackSample) => void;
    },
  ) {
    mkdirSync(dirname(options.path), { recursive: true });
    this.file = openSync(options.path, 'a');
  }

  start(): void {
    this.timer = setInterval(() => {
      this.looking = this.looking.then(() => this.look());
    }, this.options.everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
    closeSync(this.file);
  }

  /** What cannot be asked at this moment (its fault is on) is left out. */
  private async look(): Promise<void> {
    const { stack, watch, onSample } = this.options;
    const at = Date.now();
    for (const [name, { pid, running }] of stack.processes) {
      const process = running ? sampleProcess(pid) : undefined;
      if (process !== undefined) this.write({ kind: 'process', at, name, pid, rssBytes: process.rssBytes, fds: openFiles(pid) });
    }
    const asked = async <T>(look: Promise<T>): Promise<T | undefined> => look.catch(() => undefined);
    const [outbox, lag, connections] = await Promise.all([asked(watch.outboxRows()), asked(watch.lag()), asked(watch.connections())]);
    const sample: StackSample = {
      kind: 'stack',
      at,
      ...(outbox !== undefined && { outbox }),
      ...(lag !== undefined && { lag }),
      ...(connections !== undefined && { connections }),
    };
    this.write(sample);
    onSample(sample);
  }

  private write(sample: ResourceSample): void {
    this.samples.push(sample);
    writeSync(this.file, `${JSON.stringify(sample)}\n`);
  }
}

/** 0 where /proc does not say, or the process has just gone. */
function openFiles(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}
