import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { readStackFile, type StackFile } from '../stack-file.js';
import { isQuiet, type Activity } from './quiet.js';
import { StatusLine } from './status-line.js';
import { describe } from './verify.js';
import { verifyStack } from './verify-stack.js';

const USAGE = `Usage: npm run verify -- [--json FILE] [--within SECONDS]

Checks the invariants I1 to I8 on the running stack, once it stands still.

  --json FILE       write what was found there as well
  --within SECONDS  how long to wait for it to stand still (default 120)
`;

/** Exit codes: 0 all hold, 1 one is broken or the stack never stood still, 2 called wrongly or no stack is running. */
const options = orExit(() => {
  const { values } = parseArgs({ options: { json: { type: 'string' }, within: { type: 'string', default: '120' } } });
  if (!/^\d+$/.test(values.within)) throw new Error('--within must be a whole number of seconds');
  return values;
}, `\n${USAGE}`);
const stack = orExit(() => readStackFile());
process.exitCode = (await run(stack, Number(options.within) * 1000, options.json)) ? 0 : 1;

async function run(
  { databaseUrl, kafkaBrokers, topicPrefix, urls }: StackFile,
  withinMs: number,
  json: string | undefined,
): Promise<boolean> {
  const status = new StatusLine(process.stderr);
  const verification = await verifyStack({
    databaseUrl,
    kafkaBrokers,
    topicPrefix,
    gatewayUrl: urls.gateway,
    withinMs,
    onWait: (activity) => status.show(`waiting until it stands still: ${tell(activity)}`),
    onQuiet: (activity) => {
      status.clear();
      const how = isQuiet(activity) ? 'stands still' : 'DOES NOT STAND STILL, so what follows may be only late';
      process.stdout.write(`${how}: ${tell(activity)}\n`);
    },
    onProgress: (doing) => status.show(doing),
    onChecked: (invariant) => {
      status.clear();
      process.stdout.write(`${describe(invariant)}\n`);
    },
  });
  if (json !== undefined) await writeFile(json, `${JSON.stringify(verification, null, 2)}\n`);
  return verification.ok;
}

function tell({ outbox, lag, behind, running, parked, deadLetters, unseen }: Activity): string {
  return [
    ...(unseen === undefined ? [] : [`could not be looked at (${unseen}); before that`]),
    `${outbox} in the outbox, ${lag} not consumed, ${behind} streams not projected, ${running} fulfilments running`,
    `${parked} parked, ${deadLetters} dead letters`,
  ].join('; ');
}

function orExit<T>(attempt: () => T, hint = ''): T {
  try {
    return attempt();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${hint}`);
    process.exit(2);
  }
}
