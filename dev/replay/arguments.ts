import { parseArgs } from 'node:util';
import type { DayRange } from './trade.js';

export interface ReplayArguments {
  readonly file: string;
  readonly range: DayRange;
  readonly concurrency: number;
  readonly report: string | null;
  readonly allPaid: boolean;
  /** How long nothing may happen while orders are still open, milliseconds. */
  readonly patienceMs: number;
}

export const USAGE = `Usage: npm run replay -- --file FILE [options]

  --file FILE         online-retail CSV, plain or gzip
  --from YYYY-MM-DD   first day, included (UTC)
  --to YYYY-MM-DD     last day, included (UTC)
  --concurrency N     requests on their way at once, 1 to 256 (default 32)
  --report FILE       write the whole report there as JSON
  --all-paid          sales only: every payment accepted, enough stock, no cancellations
  --patience SECONDS  give up when orders are open and nothing has happened for so long (default 180)

The running stack is found by its state folder (TIDEMARK_STATE_DIR), or named by COMMAND_API_URL and QUERY_API_URL.`;

/** Words for the terminal; the usage goes with them. */
export class UsageError extends Error {}

/** @throws UsageError with every problem at once */
export function replayArguments(args: readonly string[]): ReplayArguments | 'help' {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        file: { type: 'string' },
        from: { type: 'string' },
        to: { type: 'string' },
        concurrency: { type: 'string', default: '32' },
        report: { type: 'string' },
        'all-paid': { type: 'boolean', default: false },
        patience: { type: 'string', default: '180' },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  if (values.help) return 'help';
  const problems: string[] = [];
  if (!values.file) problems.push('--file is missing');
  for (const name of ['from', 'to'] as const) {
    if (values[name] !== undefined && !isDay(values[name])) problems.push(`--${name} must be a day like 2010-12-01`);
  }
  if (problems.length === 0 && values.from && values.to && values.from > values.to) problems.push('--from lies after --to');
  const concurrency = whole('concurrency', values.concurrency, 1, 256, problems);
  const patience = whole('patience', values.patience, 1, 86_400, problems);
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return {
    file: values.file!,
    range: { from: values.from ?? null, to: values.to ?? null },
    concurrency,
    report: values.report ?? null,
    allPaid: values['all-paid'],
    patienceMs: patience * 1000,
  };
}

function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

function whole(name: string, text: string, min: number, max: number, problems: string[]): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) problems.push(`--${name} must be a whole number from ${min} to ${max}`);
  return value;
}
