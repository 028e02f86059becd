import { parseArgs } from 'node:util';

export interface SimulateArguments {
  /** In all, or of the one simulator. */
  readonly seeds: number;
  /** The first one. */
  readonly seed: number;
  /** Undefined: all of them. */
  readonly only: string | undefined;
  readonly trace: boolean;
  readonly workers: number;
}

const whole = (name: string, text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} wants a whole number, not "${text}".`);
  return value;
};

/** @throws Error saying what is wrong with them */
export function simulateArguments(args: readonly string[]): SimulateArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      trace: { type: 'boolean', default: false },
      workers: { type: 'string', default: '2' },
    },
  });
  return {
    seeds: Math.max(1, whole('seeds', values.seeds)),
    seed: whole('seed', values.seed),
    only: values.only,
    trace: values.trace,
    workers: Math.max(1, whole('workers', values.workers)),
  };
}
