import { upcasters } from '#domain';
import { EventReader, Upcasters } from '#event-store/read';
import { KafkaJsBroker, TOPICS } from '#messaging';
import { createLogger, createPool } from '#platform';
import { PROJECTED_CATEGORIES } from '#read-models';
import { rebuildBeside } from '#read-models/write';
import { PostgresDatabase } from './database.js';
import { HttpGatewayBook } from './gateway-book.js';
import { invariantsOf } from './invariants.js';
import { isQuiet, StackActivity, waitForQuiet, type Activity } from './quiet.js';
import { verify, type CheckedInvariant } from './verify.js';

export interface VerifyStackOptions {
  readonly databaseUrl: string;
  readonly kafkaBrokers: readonly string[];
  readonly topicPrefix: string;
  readonly gatewayUrl: string;
  /** How long to wait for the stack to stand still, milliseconds. */
  readonly withinMs: number;
  readonly onWait?: (activity: Activity) => void;
  /** The waiting is over, whether it stands still or not. */
  readonly onQuiet?: (activity: Activity) => void;
  /** What is being done; often. */
  readonly onProgress?: (doing: string) => void;
  readonly onChecked?: (invariant: CheckedInvariant) => void;
}

export interface Verification {
  /** The stack stood still and every invariant holds. */
  readonly ok: boolean;
  readonly quiet: boolean;
  readonly activity: Activity;
  readonly invariants: readonly CheckedInvariant[];
}

/** Who listens to what; a group owes nothing of a topic it never reads. */
const CONSUMERS: readonly { readonly group: string; readonly topics: readonly string[] }[] = [
  { group: 'orchestrator', topics: [TOPICS.order] },
  { group: 'projector', topics: PROJECTED_CATEGORIES.map((category) => TOPICS[category]) },
];

/** Waits until a running stack stands still, then checks every invariant on it. Changes nothing that stays. */
export async function verifyStack(options: VerifyStackOptions): Promise<Verification> {
  const {
    databaseUrl,
    kafkaBrokers,
    topicPrefix,
    gatewayUrl,
    withinMs,
    onWait,
    onQuiet,
    onProgress = () => undefined,
    onChecked,
  } = options;
  const logger = createLogger({ app: 'verify', level: 'error', destination: { write: (line: string) => void process.stderr.write(line) } });
  const database = new PostgresDatabase(databaseUrl);
  const pool = createPool({ databaseUrl, max: 2, app: 'verify', logger });
  const source = new EventReader({ pool, upcasters: new Upcasters(upcasters) });
  const broker = new KafkaJsBroker({ brokers: kafkaBrokers, clientId: 'verify', logger, topicPrefix });
  const admin = broker.admin();
  try {
    const activity = await waitForQuiet({
      withinMs,
      onWait,
      activity: new StackActivity(database, async () => {
        const lags = await Promise.all(CONSUMERS.map(({ group, topics }) => admin.groupLag(group, topics)));
        return lags.flat().reduce((sum, { lag }) => sum + lag, 0);
      }),
    });
    onQuiet?.(activity);
    const invariants = await verify(
      invariantsOf({
        database,
        broker,
        book: new HttpGatewayBook(gatewayUrl),
        rebuild: (projection) =>
          rebuildBeside(projection, {
            databaseUrl,
            source,
            onProgress: ({ events, position, lastPosition }) =>
              onProgress(`rebuilding ${projection}, ${events} events, ${Math.floor((100 * position) / Math.max(1, lastPosition))} %`),
          }),
        onProgress,
      }),
      (invariant) => onChecked?.(invariant),
      ({ id, title }) => onProgress(`checking ${id}, ${title}`),
    );
    const quiet = isQuiet(activity);
    return { ok: quiet && invariants.every(({ ok }) => ok), quiet, activity, invariants };
  } finally {
    await Promise.all([admin.close(), database.close(), pool.end()]);
  }
}
