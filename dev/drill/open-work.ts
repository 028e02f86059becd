import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** What a kill interrupts. */
export interface OpenWork {
  /** When it was looked at, by the database's clock. */
  readonly at: string;
  /** Events stored and not yet published. */
  readonly outbox: number;
  /** Fulfilments that owe an action. */
  readonly fulfilments: number;
  /** Orders accepted in the last second, answers to repeats not counted. */
  readonly orders: number;
  /** The same in the last quarter of a second: new ones are on their way at this moment. */
  readonly ordersJustNow: number;
}

const LOOK_EVERY_MS = 10;
/** New orders within a second that count as trade being under way; the first one alone would be killed at the start of each replay. */
const ENOUGH_ORDERS = 5;

/** Watches, in the database of the running stack, how much is under way. It outlives the end of that database. */
export class OpenWorkWatch {
  private readonly pool: pg.Pool;

  constructor(databaseUrl: string) {
    this.pool = new pg.Pool({
      connectionString: databaseUrl,
      max: 1,
      application_name: 'tidemark-drill',
      connectionTimeoutMillis: 2_000,
      options: '-c default_transaction_read_only=on',
    });
    this.pool.on('error', () => undefined);
    this.pool.on('connect', (client) => client.on('error', () => undefined));
  }

  async look(): Promise<OpenWork> {
    const { rows } = await this.pool.query<OpenWork>(
      `SELECT clock_timestamp()::text AS at,
         (SELECT count(*)::int FROM tidemark.outbox) AS outbox,
         (SELECT count(*)::int FROM tidemark.fulfilment_work WHERE due_at IS NOT NULL) AS fulfilments,
         count(*)::int AS orders,
         count(*) FILTER (WHERE received_at > clock_timestamp() - interval '250 ms')::int AS "ordersJustNow"
       FROM tidemark.commands WHERE name = 'PlaceOrder' AND received_at > clock_timestamp() - interval '1 s'`,
    );
    return rows[0] as OpenWork;
  }

  /** Orders accepted since then, by the database's clock; answers to repeats not counted. */
  async ordersSince(instant: string): Promise<number> {
    const { rows } = await this.pool.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM tidemark.commands WHERE name = 'PlaceOrder' AND received_at > $1`,
      [instant],
    );
    return rows[0]?.count ?? 0;
  }

  /** Resolves as soon as new orders are being accepted while others are being fulfilled; undefined once `over` says that none will come. */
  async untilUnderWay(over: () => boolean): Promise<OpenWork | undefined> {
    while (!over()) {
      const work = await this.look();
      if (work.orders >= ENOUGH_ORDERS && work.ordersJustNow > 0 && work.fulfilments > 0) return work;
      await delay(LOOK_EVERY_MS);
    }
    return undefined;
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}
