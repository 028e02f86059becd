import type { ProjectionName } from '#read-models';
import type { Database } from '../../verify/database.js';
import type { Finding } from '../../verify/finding.js';
import { checkGaplessStreams } from '../../verify/gapless-streams.check.js';
import { checkMoney as checkMoneyOfStore } from '../../verify/money.check.js';
import { checkPublishedEvents, checkPublishedOrder, readTopics } from '../../verify/published-events.check.js';
import type { PublishedStreams } from '../../verify/published-streams.js';
import { checkReadModels, type Rebuilt } from '../../verify/read-models.check.js';
import { checkSingleEffects as checkSingleEffectsOfStore } from '../../verify/single-effects.check.js';
import { checkStock } from '../../verify/stock.check.js';
import type { TopicRecords } from '../../verify/topic-records.js';
import type { FaultRecord } from '../history/fault-record.js';
import type { ResourceSample } from '../history/resource-sample.js';
import { checkAcceptedCommands } from './accepted-commands.check.js';
import { checkAlive } from './alive.check.js';
import type { Bounds } from './bounds.js';
import { ClientEffects } from './client-effects.js';
import type { DeadLetterCopies } from './dead-letter-copies.js';
import { checkDeadLetters } from './dead-letters.check.js';
import { FaultWindows } from './fault-windows.js';
import type { GatewayBookFile } from './gateway-book-file.js';
import type { HistoryDigest } from './history-digest.js';
import type { InvariantId, InvariantResult } from './invariant-result.js';
import { checkMoney } from './money.check.js';
import { checkResources } from './resources.check.js';
import { checkSagas } from './sagas.check.js';
import { checkSingleEffects } from './single-effects.check.js';
import { checkStockOfClients } from './stock.check.js';
import { StoreQueries } from './store-queries.js';
import type { OrderFacts } from './store-facts.js';
import { withoutPoison } from './topics-without-poison.js';
import { judge, Violations, type Judgement } from './violations.js';

export interface RunEvidence {
  readonly history: HistoryDigest;
  readonly database: Database;
  readonly topics: TopicRecords;
  /** What lies on the dead-letter topic. */
  copies(): Promise<DeadLetterCopies>;
  book(): Promise<GatewayBookFile>;
  readonly projections: readonly ProjectionName[];
  rebuild(projection: ProjectionName): Promise<Rebuilt>;
  readonly faults: readonly FaultRecord[];
  /** Where clients ask each instance, by its name. */
  readonly origins: Readonly<Record<string, string>>;
  readonly samples: readonly ResourceSample[];
  readonly bounds: Bounds;
  readonly onChecked: (result: InvariantResult) => void;
  readonly onProgress: (doing: string) => void;
}

/** Carries out every check, also after one has found something. The store's events are read once for all that need them. */
export async function judgeRun(evidence: RunEvidence): Promise<InvariantResult[]> {
  const { history, database, bounds, samples, onProgress } = evidence;
  const store = new StoreQueries(database);
  const faults = new FaultWindows(evidence.faults);
  const accepted = history.acceptedOrders();
  const effects = once(async () => {
    const all = new ClientEffects();
    for await (const effect of store.clientEffects()) all.add(effect);
    return all;
  });
  const orders = once(async () => {
    const all: OrderFacts[] = [];
    for await (const order of store.orders()) all.push(order);
    return all;
  });
  const books = once(() => evidence.book());
  const published = once((): Promise<PublishedStreams> =>
    readTopics(withoutPoison(evidence.topics, history.poison), (records) => onProgress(`reading the topics, ${records} records`)),
  );

  const checks: readonly (readonly [InvariantId, string, () => Promise<Judgement>])[] = [
    ['I1', 'no accepted command is lost', async () => checkAcceptedCommands(history, await effects())],
    [
      'I2',
      'no command takes effect twice',
      async () => checkSingleEffects(history, await effects(), (await checkSingleEffectsOfStore(database)).violations),
    ],
    ['I3', 'streams have no hole', async () => together(await checkGaplessStreams(database))],
    ['I4', 'every stored event is published', async () => together(await checkPublishedEvents(database, await published()))],
    ['I5', 'published in order', async () => together(checkPublishedOrder(await published()))],
    [
      'I6',
      'read models equal their rebuild, reads show what was written',
      async () => together(await checkReadModels(evidence), readsOf(history)),
    ],
    [
      'I7',
      'money',
      async () => {
        const book = await books();
        return together(await checkMoneyOfStore(database, book), checkMoney({ accepted, orders: await orders(), book: book.byReference }));
      },
    ],
    ['I8', 'stock', async () => together(await checkStock(database), checkStockOfClients(history, await effects(), await store.stock()))],
    [
      'I9',
      'every saga ends',
      async () => checkSagas({ accepted, orders: await orders(), openReservations: await store.openReservations(), faults, bounds }),
    ],
    [
      'I10',
      'dead letters are the injected poison',
      async () =>
        checkDeadLetters({
          poison: history.poison,
          letters: await store.deadLetters(),
          copies: await evidence.copies(),
          parked: await store.parkedStreams(),
          orders: await orders(),
          faults,
          bounds,
        }),
    ],
    ['I11', 'bounded', async () => checkResources(samples, bounds)],
    ['I12', 'alive', async () => checkAlive(history, faults, bounds, { records: evidence.faults, origins: evidence.origins })],
  ];
  const results: InvariantResult[] = [];
  for (const [id, title, check] of checks) {
    onProgress(`checking ${id}, ${title}`);
    const result = await judge(id, title, check);
    results.push(result);
    evidence.onChecked(result);
  }
  return results;
}

/** A read with a consistency token shows at least what the token says. */
function readsOf({ complaints, reads }: HistoryDigest): Judgement {
  const violations = new Violations();
  for (const { of, what, ids, where } of complaints) if (of === 'stale-read') violations.add(what, ids, where);
  if (reads.withToken === 0) violations.add('no read ever showed what its token says: nothing was proved', [], 'history');
  return {
    checked: `${reads.withToken} reads showed what was written`,
    counted: { readsWithToken: reads.withToken, behind: reads.behind },
    violations,
  };
}

/** What the checks of any running stack find, and what the client's side adds. */
function together({ checked, counts, violations: found }: Finding, ...more: readonly Judgement[]): Judgement {
  const violations = new Violations();
  violations.take(found.count, found.kept, 'npm run verify tells the same');
  for (const each of more) {
    for (const { what, ids, lookAt } of each.violations.kept) violations.add(what, ids, lookAt);
    violations.broken += each.violations.broken - each.violations.kept.length;
  }
  return {
    checked: [checked, ...more.map((each) => each.checked)].join('; '),
    counted: Object.assign({ ...counts }, ...more.map(({ counted }) => counted)) as Record<string, number>,
    violations,
  };
}

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => (loading ??= load());
}
