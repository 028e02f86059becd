/**
 * What the failpoints cost while they are off: the same code with its sites and with them cut out, in turns, round by round, so that both
 * meet the same machine. Printed are the median round of each and the ratio.
 *
 *     node dist/bench/failpoints.bench.js [seconds a round] [rounds]
 *
 * - a loop that does nothing but add and pass a site
 * - group commit over a store that answers at once, so that no database hides what a site costs
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GroupCommit, type AppendRequest, type AppendVerdict } from '#event-store';
import { failpoints } from '#failpoints';

const SECONDS = Number(process.argv[2] ?? 2);
const ROUNDS = Number(process.argv[3] ?? 7);
const CALLERS = 64;
const LOOP = 1_000_000;

/** Rounds of work per second. */
type Contender = () => Promise<number>;

function loopWithout(): number {
  let sum = 0;
  for (let index = 0; index < LOOP; index += 1) sum = (sum + index) | 0;
  return sum;
}

function loopWith(): number {
  let sum = 0;
  for (let index = 0; index < LOOP; index += 1) {
    sum = (sum + index) | 0;
    if (failpoints.armed) failpoints.disarm();
  }
  return sum;
}

const looping = (loop: () => number): Contender => {
  let kept = 0;
  return async () => {
    const startedAt = performance.now();
    let iterations = 0;
    for (; performance.now() - startedAt < SECONDS * 1_000; iterations += LOOP) kept ^= loop();
    if (Number.isNaN(kept)) throw new Error('nothing was added up');
    return iterations / ((performance.now() - startedAt) / 1_000);
  };
};

const REQUEST: AppendRequest = {
  writes: [{ streamId: 'order-1', expectedVersion: 0, events: [] }],
  metadata: { correlationId: 'c', causationId: 'c', actor: 'bench', commandId: null, traceparent: null },
};
const APPENDED: AppendVerdict = { outcome: 'appended' };
const store = {
  append: async (requests: readonly AppendRequest[]): Promise<AppendVerdict[]> => requests.map(() => APPENDED),
  heldStreams: async (): Promise<Set<string>> => new Set(),
};

const appending = (Committer: typeof GroupCommit): Contender => {
  return async () => {
    const commits = new Committer({ store });
    const startedAt = performance.now();
    let appended = 0;
    const caller = async (): Promise<void> => {
      for (; performance.now() - startedAt < SECONDS * 1_000; appended += 1) await commits.append(REQUEST);
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    await commits.close();
    return appended / ((performance.now() - startedAt) / 1_000);
  };
};

/** The compiled class with its sites cut out. */
async function withoutSites(): Promise<typeof GroupCommit> {
  const home = join(import.meta.dirname, '../libs/event-store');
  const source = readFileSync(join(home, 'group-commit.js'), 'utf8');
  const cut = source
    .replace(/^import .*'#failpoints';$/m, '')
    .replace('await this.#append(', 'await this.#options.store.append(')
    .replace(/async #append\(requests\) \{[\s\S]*?\n {4}\}\n/, '')
    .replaceAll("from './", `from '${pathToFileURL(home).href}/`);
  if (cut.includes('failpoints')) throw new Error('the sites of group-commit.js look different now: cut them out here as well');
  const scratch = mkdtempSync(join(import.meta.dirname, 'without-'));
  try {
    const file = join(scratch, `${randomUUID()}.mjs`);
    writeFileSync(file, cut);
    return ((await import(pathToFileURL(file).href)) as { GroupCommit: typeof GroupCommit }).GroupCommit;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const median = (numbers: readonly number[]): number => [...numbers].sort((one, other) => one - other)[numbers.length >> 1] ?? 0;

async function compare(contenders: Readonly<Record<'without' | 'off', Contender>>): Promise<{ without: number; off: number }> {
  const rounds = { without: [] as number[], off: [] as number[] };
  await contenders.without();
  await contenders.off();
  for (let round = 0; round < ROUNDS; round += 1) {
    // Whoever goes second may find the machine warmer.
    const order = round % 2 === 0 ? (['without', 'off'] as const) : (['off', 'without'] as const);
    for (const name of order) rounds[name].push(await contenders[name]());
  }
  return { without: median(rounds.without), off: median(rounds.off) };
}

const results = {
  'a bare loop': await compare({ without: looping(loopWithout), off: looping(loopWith) }),
  'group commit, no database': await compare({ without: appending(await withoutSites()), off: appending(GroupCommit) }),
};
console.table(
  Object.fromEntries(
    Object.entries(results).map(([name, { without, off }]) => [
      name,
      {
        'without sites, per second': Math.round(without),
        'sites off, per second': Math.round(off),
        'off / without': (off / without).toFixed(3),
        'ns a pass': Number((1e9 / off - 1e9 / without).toFixed(2)),
      },
    ]),
  ),
);
