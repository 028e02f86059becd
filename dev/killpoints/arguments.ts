import { parseArgs } from 'node:util';

export interface KillpointArguments {
  /** Of each kill point; half as many of what a process survives where it also dies. */
  readonly hits: number;
  /** Only kill points whose name, with the action, contains one of these; undefined: all. */
  readonly only: readonly string[] | undefined;
  readonly seed: number;
  /** Commands per second. */
  readonly rate: number;
  /** No hit is begun after so many minutes; those left are missing, and the run fails. */
  readonly within: number;
  /** Markdown; the same as JSON beside it. */
  readonly report: string | undefined;
  /** Leave the folder of the run also when everything holds. */
  readonly keep: boolean;
}

export const USAGE = `Usage: npm run killpoints -- [--hits N] [--only a,b] [--seed S] [--rate R] [--within M] [--report FILE] [--keep]

Starts a stack of its own with two of each app, drives load, and at every kill point makes a process die, throw or stall; waits each time until it works again, then until everything stands still, and checks the invariants I1 to I12. Exit code 0 only when every
hit came about and recovered, and all invariants hold.

  --hits N        N deaths at each kill point, and N/2 each of what else happens there: throw, stall, cut session; N where nothing
                  dies: a process that stands still, a gateway that is slow, fails or contradicts itself (default 20)
  --only a,b      only those whose name contains one of these: "relay", "committed exit" …
  --seed S        which hits come when (default: from the clock; it is printed)
  --rate R        commands per second (default 30)
  --within M      begin no hit after M minutes (default 25)
  --report FILE   write a report there (Markdown, and JSON beside it)
  --keep          keep database, logs and history also when everything holds
`;

/** Throws an Error with a sentence for the terminal. */
export function parseKillpointArguments(args: readonly string[], now = Date.now()): KillpointArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      hits: { type: 'string', default: '20' },
      only: { type: 'string' },
      seed: { type: 'string', default: String(now % 1_000_000) },
      rate: { type: 'string', default: '30' },
      within: { type: 'string', default: '25' },
      report: { type: 'string' },
      keep: { type: 'boolean', default: false },
    },
  });
  return {
    hits: wholeFrom1('--hits', values.hits),
    only: values.only
      ?.split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
    seed: wholeFrom1('--seed', values.seed),
    rate: wholeFrom1('--rate', values.rate),
    within: wholeFrom1('--within', values.within),
    report: values.report,
    keep: values.keep,
  };
}

function wholeFrom1(option: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`${option} must be a whole number from 1`);
  return Number(text);
}
