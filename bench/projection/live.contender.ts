import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaJsBroker, TOPICS } from '#messaging';
import { createLogger } from '#platform';
import { PROJECTED_CATEGORIES, PROJECTIONS } from '#read-models';
import pg from 'pg';
import { startProjector } from '../../apps/projector/projector-app.js';
import type { Contender } from '../harness/contender.js';
import type { LiveSettings } from './live-load.js';

const LOOK_EVERY_MS = 25;
const WITHIN_MS = 90_000;
/** One projection a category: a stream's version counts its events, so the sum counts all. The one of orders that writes most. */
const COUNTED = ['orders', 'stock', 'fulfilments'];

/** The projector as it is, from the moment it has its partitions until the last event of the backlog is committed in every table. */
export async function open({ kafka, topicPrefix, databaseUrl, events }: LiveSettings): Promise<Contender> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  const silent = createLogger({ app: 'bench', level: 'silent' });
  const broker = new KafkaJsBroker({ brokers: [kafka], clientId: 'bench', topicPrefix, logger: silent });
  const admin = broker.admin();
  const topics = PROJECTED_CATEGORIES.map((category) => TOPICS[category]);

  const lag = async (): Promise<number> => (await admin.groupLag('projector', topics)).reduce((sum, { lag: each }) => sum + each, 0);
  const applied = async (): Promise<number> => {
    const { rows } = await pool.query<{ events: number }>(
      'SELECT coalesce(sum(version), 0)::integer AS events FROM read.projection_positions WHERE projection = ANY ($1)',
      [COUNTED],
    );
    return rows[0]!.events;
  };
  const until = async (reached: () => Promise<boolean>): Promise<void> => {
    for (const endsAt = performance.now() + WITHIN_MS; !(await reached()); await sleep(LOOK_EVERY_MS)) {
      if (performance.now() > endsAt) throw new Error(`the projector did not take its backlog within ${WITHIN_MS} ms`);
    }
  };
  return {
    round: async () => {
      const tables = [...PROJECTIONS.flatMap(({ tables: all }) => all.map(({ name }) => name)), 'projection_positions'];
      await pool.query(`TRUNCATE ${tables.map((name) => `read.${name}`).join(', ')}`);
      await admin.deleteGroup('projector').catch(() => undefined);
      let joined: (at: number) => void;
      const startedAt = new Promise<number>((resolve) => (joined = resolve));
      const hear = (line: string): void => {
        if (line.includes('"kafka.consumer.joined"')) joined(performance.now());
      };
      const projector = await startProjector({
        config: {
          DATABASE_URL: databaseUrl,
          KAFKA_BROKERS: [kafka],
          TOPIC_PREFIX: topicPrefix,
          PORT: 0,
          HOST: '127.0.0.1',
          LOG_LEVEL: 'info',
        },
        logger: createLogger({ app: 'projector', level: 'info', destination: { write: hear } }),
        handleSignals: false,
      });
      try {
        const from = await startedAt;
        await until(async () => (await applied()) === events);
        const seconds = (performance.now() - from) / 1_000;
        await until(async () => (await lag()) === 0);
        return { perSecond: events / seconds };
      } finally {
        await projector.close();
      }
    },
    close: async () => void (await Promise.all([pool.end(), admin.close()])),
  };
}
