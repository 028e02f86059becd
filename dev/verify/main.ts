import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { upcasters } from '#domain';
import { EventReader, Upcasters } from '#event-store/read';
import { KafkaJsBroker, TOPICS } from '#messaging';
import { createLogger, createPool } from '#platform';
import { PROJECTED_CATEGORIES, rebuildBeside } from '#read-models';
import { readStackFile, type StackFile } from '../stack-file.js';
import { PostgresDatabase } from './database.js';
import { HttpGatewayBook } from './gateway-book.js';
import { invariantsOf } from './invariants.js';
import { isQuiet, StackActivity, waitForQuiet, type Activity } from './quiet.js';
import { StatusLine } from './status-line.js';
import { describe, verify } from './verify.js';

const USAGE = `Usage: npm run verify -- [--json FILE] [--within SECONDS]

Checks the invariants I1 to I8 on the running stack, once it stands still.

  --json FILE       write what was found there as well
  --within SECONDS  how long to wait for it to stand still (default 120)
`;

/** Who listens to what; a group owes nothing of a topic it never reads. */
const CONSUMERS: readonly { readonly group: string; readonly topics: readonly string[] }[] = [
  { group: 'orchestrator', topics: [TOPICS.order] },
  { group: 'projector', topics: PROJECTED_CATEGORIES.map((category) => TOPICS[category]) },
];

/** Exit codes: 0 all hold, 1 one is broken or the stack never stood still, 2 called wrongly or no stack is running. */
const options = orExit(() => {
  const { values } = parseArgs({ options: { json: { type: 'string' }, within: { type: 'string', default: '120' } } });
  if (!/^\d+$/.test(values.within)) throw new Error('--within must be a whole number of seconds');
  return values;
}, `\n${USAGE}`);
const stack = orExit(() => readStackFile());
process.exitCode = (await run(stack, Number(options.within) * 1000, options.json)) ? 0 : 1;

function orExit<T>(attempt: () => T, hint = ''): T {
  try {
    return attempt();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${hint}`);
    process.exit(2);
  }
}

async function run({ databaseUrl, kafkaBrokers, topicPrefix, urls }: StackFile, withinMs: number, json: string | undefined): Promise<boolean> {
  const logger = createLogger({ app: 'verify', level: 'error', destination: { write: (line: string) => void process.stderr.write(line) } });
  const database = new PostgresDatabase(databaseUrl);
  const pool = createPool({ databaseUrl, max: 2, app: 'verify', logger });
  const source = new EventReader({ pool, upcasters: new Upcasters(upcasters) });
  const broker = new KafkaJsBroker({ brokers: kafkaBrokers, clientId: 'verify', logger, topicPrefix });
  const admin = broker.admin();
  const status = new StatusLine(process.stderr);
  try {
    const activity = new StackActivity(database, async () => {
      const lags = await Promise.all(CONSUMERS.map(({ group, topics }) => admin.groupLag(group, topics)));
      return lags.flat().reduce((sum, { lag }) => sum + lag, 0);
    });
    const last = await waitForQuiet({ activity, withinMs, onWait: (now) => status.show(`waiting until it stands still: ${tell(now)}`) });
    status.clear();
    const quiet = isQuiet(last);
    process.stdout.write(`${quiet ? 'stands still' : 'DOES NOT STAND STILL, so what follows may be only late'}: ${tell(last)}\n`);

    const invariants = invariantsOf({
      database,
      broker,
      book: new HttpGatewayBook(urls.gateway),
      rebuild: (projection) =>
        rebuildBeside(projection, {
          databaseUrl,
          source,
          onProgress: ({ events, position, lastPosition }) =>
            status.show(`rebuilding ${projection}, ${events} events, ${Math.floor((100 * position) / Math.max(1, lastPosition))} %`),
        }),
      onProgress: (doing) => status.show(doing),
    });
    const results = await verify(
      invariants,
      (result) => {
        status.clear();
        process.stdout.write(`${describe(result)}\n`);
      },
      ({ id, title }) => status.show(`checking ${id}, ${title}`),
    );
    const ok = quiet && results.every((result) => result.ok);
    if (json !== undefined) await writeFile(json, `${JSON.stringify({ ok, quiet, activity: last, invariants: results }, null, 2)}\n`);
    return ok;
  } finally {
    await Promise.all([admin.close(), database.close(), pool.end()]);
  }
}

function tell({ outbox, lag, behind, running, parked, deadLetters }: Activity): string {
  return `${outbox} in the outbox, ${lag} not consumed, ${behind} streams not projected, ${running} fulfilments running, ${parked} parked, ${deadLetters} dead letters`;
}
