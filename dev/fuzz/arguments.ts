import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm run fuzz -- [--requests N] [--cases M] [--seed S] [--report FILE]

Starts a stack of its own and throws malformed requests at both APIs.

  --requests N   requests of our own fuzzer (default 20000)
  --cases M      cases that Schemathesis makes of the OpenAPI documents, of both APIs together (default 0; needs Python 3.10 or newer)
  --seed S       a whole number; the same seed sends the same (default 1)
  --report FILE  write the figures there as JSON

Exit code 0 only when nothing answered a 500 or what its document does not know, nothing took a command that is surely invalid, nothing hung, and
no process was restarted.`;

export interface FuzzArguments {
  readonly requests: number;
  readonly cases: number;
  readonly seed: number;
  readonly report: string | null;
}

/** @throws Error with words for the terminal */
export function fuzzArguments(args: readonly string[]): FuzzArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      requests: { type: 'string', default: '20000' },
      cases: { type: 'string', default: '0' },
      seed: { type: 'string', default: '1' },
      report: { type: 'string' },
    },
  });
  return {
    requests: whole('requests', values.requests, 10_000_000),
    cases: whole('cases', values.cases, 10_000_000),
    seed: whole('seed', values.seed, 2 ** 31 - 1),
    report: values.report ?? null,
  };
}

function whole(name: string, text: string, max: number): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) > max) throw new Error(`--${name} must be a whole number up to ${max}`);
  return Number(text);
}
