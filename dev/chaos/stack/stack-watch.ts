import { setTimeout as delay } from 'node:timers/promises';
import { KafkaJsBroker, TOPICS, type BrokerAdmin, type PartitionLag } from '#messaging';
import { PROJECTED_CATEGORIES } from '#read-models';
import pg from 'pg';
import type { ChaosStack } from './chaos-stack.js';

/** Who reads what; a group owes nothing of a topic it never reads. */
export const GROUPS = {
  orchestrator: [TOPICS.order],
  projector: PROJECTED_CATEGORIES.map((category) => TOPICS[category]),
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type GroupName = keyof typeof GROUPS;

/** End offsets by `topic/partition`. */
export type Ends = ReadonlyMap<string, number>;

/** Looks at PostgreSQL and Kafka by their direct addresses, past the proxies. Outlives the end of either; a look then rejects. */
export class StackWatch {
  private readonly pool: pg.Pool;
  private readonly admin: BrokerAdmin;
  private readonly databaseUrl: string;

  constructor({ databaseUrl, kafkaBrokers, topicPrefix, logger }: ChaosStack) {
    this.databaseUrl = databaseUrl;
    this.pool = new pg.Pool({
      connectionString: databaseUrl,
      max: 3,
      application_name: 'tidemark-chaos',
      connectionTimeoutMillis: 2_000,
      query_timeout: 15_000,
    });
    this.pool.on('error', () => undefined);
    this.pool.on('connect', (client) => client.on('error', () => undefined));
    this.admin = new KafkaJsBroker({ brokers: kafkaBrokers, clientId: 'chaos-watch', topicPrefix, logger }).admin();
  }

  async rows<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.pool.query<Row>(sql, [...values])).rows;
  }

  /** Of the newest stored event; 0 when there is none. */
  async lastPosition(): Promise<number> {
    const [row] = await this.rows<{ position: string }>('SELECT coalesce(max(position), 0) AS position FROM tidemark.events');
    return Number(row!.position);
  }

  /** Of the oldest stored event that is not published; undefined when all are. */
  async firstUnpublished(): Promise<number | undefined> {
    const [row] = await this.rows<{ position: string | null }>('SELECT min(position) AS position FROM tidemark.outbox');
    return row!.position === null ? undefined : Number(row!.position);
  }

  async outboxRows(): Promise<number> {
    const [row] = await this.rows<{ count: string }>('SELECT count(*) AS count FROM tidemark.outbox');
    return Number(row!.count);
  }

  /** Connections to PostgreSQL by application name. */
  async connections(): Promise<Record<string, number>> {
    const rows = await this.rows<{ name: string; count: string }>(
      `SELECT application_name AS name, count(*) AS count FROM pg_stat_activity
       WHERE datname = current_database() GROUP BY application_name ORDER BY application_name`,
    );
    return Object.fromEntries(rows.map(({ name, count }) => [name, Number(count)]));
  }

  /** Resolves when the store itself takes a new client again; throws after the deadline. */
  async untilUp(store: 'postgres' | 'kafka', deadlineMs = 60_000): Promise<void> {
    const ask = (): Promise<unknown> => (store === 'postgres' ? this.newSession() : this.admin.endOffsets(TOPICS.order));
    for (const giveUpAt = Date.now() + deadlineMs; ; await delay(50)) {
      const up = await ask().then(
        () => true,
        (error: unknown) => (Date.now() > giveUpAt ? Promise.reject(error as Error) : false),
      );
      if (up) return;
    }
  }

  /** An old one may still answer when the server has begun to end them all. */
  private async newSession(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.databaseUrl,
      connectionTimeoutMillis: 2_000,
      application_name: 'tidemark-chaos',
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('SELECT 1');
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  lags(group: GroupName): Promise<PartitionLag[]> {
    return this.admin.groupLag(group, GROUPS[group]);
  }

  /** Records that the groups have not taken, all together. */
  async lag(): Promise<number> {
    let lag = 0;
    for (const group of Object.keys(GROUPS) as GroupName[]) for (const each of await this.lags(group)) lag += each.lag;
    return lag;
  }

  async ends(topics: readonly string[]): Promise<Ends> {
    const ends = new Map<string, number>();
    for (const topic of topics) {
      for (const [partition, end] of await this.admin.endOffsets(topic)) ends.set(`${topic}/${partition}`, end);
    }
    return ends;
  }

  async close(): Promise<void> {
    await Promise.all([this.pool.end(), this.admin.close().catch(() => undefined)]);
  }
}
