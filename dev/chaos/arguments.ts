import { parseArgs } from 'node:util';

export interface ChaosArguments {
  readonly minutes: number;
  readonly seed: number;
  /** undefined: every kind. */
  readonly faults: readonly string[] | undefined;
  /** Markdown; the same as JSON beside it. */
  readonly report: string | undefined;
  /** Commands per second. */
  readonly rate: number;
  /** Leave the folder of the run also when everything holds. */
  readonly keep: boolean;
  /** The folder of a run that was kept: only judge it once more. */
  readonly judge: string | undefined;
}

export const USAGE = `Usage: npm run chaos -- [--minutes M] [--seed S] [--faults a,b] [--report FILE] [--rate N] [--keep]
       npm run chaos -- --judge FOLDER [--report FILE]

Starts a stack of its own (two of each app, proxies before PostgreSQL, Kafka and the gateway), drives load, injects faults, heals them,
waits until it stands still, and checks the invariants I1 to I12. Exit code 0 only when all hold.

  --minutes M     how long faults are injected (default 5)
  --seed S        the same seed gives the same schedule (default: from the clock; it is printed)
  --faults a,b    only kinds whose name contains one of these: "kill", "kafka", "pause relay" …
  --report FILE   write a report there (Markdown, and JSON beside it)
  --rate N        commands per second (default 45)
  --keep          keep database, logs and history also when everything holds
  --judge FOLDER  start database and broker of a run that was kept, and judge it once more
`;

/** Throws an Error with a sentence for the terminal. */
export function parseChaosArguments(args: readonly string[], now = Date.now()): ChaosArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '5' },
      seed: { type: 'string', default: String(now % 1_000_000) },
      faults: { type: 'string' },
      report: { type: 'string' },
      rate: { type: 'string', default: '45' },
      keep: { type: 'boolean', default: false },
      judge: { type: 'string' },
    },
  });
  return {
    minutes: numberIn('--minutes', values.minutes, 0.1, 10_000),
    seed: whole('--seed', values.seed),
    faults: values.faults
      ?.split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
    report: values.report,
    rate: numberIn('--rate', values.rate, 1, 10_000),
    keep: values.keep,
    judge: values.judge,
  };
}

function numberIn(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most)) throw new Error(`${option} must be a number from ${least} to ${most}`);
  return value;
}

function whole(option: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Error(`${option} must be a whole number`);
  return Number(text);
}
