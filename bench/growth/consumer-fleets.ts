import { setTimeout as sleep } from 'node:timers/promises';
import { EventStore } from '#event-store';
import { encode, KafkaJsBroker } from '#messaging';
import { createLogger } from '#platform';
import pg from 'pg';
import { startApp, type AppPlace } from '../harness/app-process.js';
import type { BenchContext } from '../harness/bench-context.js';
import { fillTopics } from '../projection/fill-topics.js';
import { fillOutbox } from '../relay/backlog.js';
import { ensureTopics, verifyPublished } from '../relay/published.js';
import { placeOrders, receiveStock } from '../saga/backlog.js';
import { SKUS } from '../saga/saga-load.js';
import { verifySagas } from '../saga/written.js';
import type { Fleet } from './instances.curve.js';

const LOOK_EVERY_MS = 100;
const WITHIN_MS = 120_000;
/** So many that work is left when the last of the processes is at it. */
const EVENTS_TO_PUBLISH = 300_000;
const ORDERS_TO_FULFIL = 6_000;
const ORDERS_TO_PROJECT = 6_000;

export const consumers: readonly Fleet[] = [
  {
    app: 'relay',
    unit: 'events published',
    perSecond: async (context, instances) => {
      const place = await newPlace(context);
      await fillOutbox(place.databaseUrl, EVENTS_TO_PUBLISH);
      const perSecond = await worked(context, 'relay', instances, place, {
        left: 'SELECT count(*)::integer AS n FROM tidemark.outbox',
        begin: () => Promise.resolve(),
      });
      await verifyPublished(place);
      return perSecond;
    },
  },
  {
    app: 'orchestrator',
    unit: 'sagas of one line finished',
    perSecond: async (context, instances) => {
      const place = { ...(await newPlace(context)), gatewayUrl: (await startApp(context, 'gateway', {})).url };
      const perSecond = await worked(context, 'orchestrator', instances, place, {
        left: `
          SELECT ${ORDERS_TO_FULFIL} + (SELECT count(*) FROM tidemark.fulfilment_work)::integer
            - (SELECT count(*) FROM tidemark.streams WHERE stream_id >= 'fulfilment-' AND stream_id < 'fulfilment.')::integer AS n`,
        begin: () => order(place),
      });
      await verifySagas(place);
      return perSecond;
    },
  },
  {
    app: 'projector',
    unit: 'events projected',
    perSecond: async (context, instances) => {
      const place = await newPlace(context);
      const events = await fillTopics(place.broker, place.topicPrefix, ORDERS_TO_PROJECT);
      return await worked(context, 'projector', instances, place, {
        left: `
          SELECT ${events} - coalesce(sum(version), 0)::integer AS n FROM read.projection_positions
          WHERE projection IN ('orders', 'stock', 'fulfilments')`,
        begin: () => Promise.resolve(),
      });
    },
  },
];

let places = 0;

async function newPlace(context: BenchContext) {
  const place = { databaseUrl: await context.database(), broker: await context.kafka(), topicPrefix: `fleet${(places += 1)}` };
  await ensureTopics(place);
  return place;
}

/** Orders in the store, and what Kafka would bring of them on its topics. */
async function order({ databaseUrl, broker, topicPrefix }: Required<Omit<AppPlace, 'gatewayUrl'>>): Promise<void> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  const logger = createLogger({ app: 'bench', level: 'error' });
  const producer = await new KafkaJsBroker({ brokers: [broker], clientId: 'bench', topicPrefix, logger }).createProducer();
  try {
    const store = new EventStore({ pool });
    await receiveStock(store);
    const messages = await placeOrders(store, { orders: ORDERS_TO_FULFIL, lines: 1, skus: SKUS }, 0);
    const verdicts = await producer.send(messages.map((message) => encode(message)));
    if (verdicts.some(({ outcome }) => outcome !== 'acknowledged')) throw new Error('the broker did not take all orders');
  } finally {
    await Promise.all([producer.close(), pool.end()]);
  }
}

/** Counts from when the last of the processes is ready, with work there, until nothing is `left`. */
async function worked(
  context: BenchContext,
  app: 'relay' | 'orchestrator' | 'projector',
  instances: number,
  place: AppPlace & { readonly databaseUrl: string },
  { left, begin }: { readonly left: string; readonly begin: () => Promise<void> },
): Promise<number> {
  const pool = new pg.Pool({ connectionString: place.databaseUrl, max: 1 });
  const remaining = async (): Promise<number> => (await pool.query<{ n: number }>(left)).rows[0]!.n;
  try {
    const processes = await Promise.all(Array.from({ length: instances }, () => startApp(context, app, place)));
    await begin();
    const startedAt = performance.now();
    const work = await remaining();
    while ((await remaining()) > 0) {
      if (performance.now() - startedAt > WITHIN_MS) throw new Error(`${instances} × ${app} did not finish within ${WITHIN_MS / 1_000} s`);
      await sleep(LOOK_EVERY_MS);
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    await Promise.all(processes.map((each) => each.stop()));
    return work / seconds;
  } finally {
    await pool.end();
  }
}
