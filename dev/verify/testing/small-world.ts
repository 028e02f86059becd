import { randomUUID } from 'node:crypto';
import { SCHEMA_VERSIONS, streamId, type AnyDomainEvent, type FulfilmentStep, type StreamCategory } from '#domain';
import { EventReader, EventStore, type CommandRecord } from '#event-store';
import { createPool, createLogger } from '#platform';
import { PROJECTED_CATEGORIES, projectionsOf, type ProjectionName } from '#read-models';
import { ProjectionWriter, rebuildBeside } from '#read-models/write';
import { createTestDatabase } from '../../../test/harness/index.js';
import { contentDigest } from '../content-digest.js';
import { PostgresDatabase } from '../database.js';
import type { BookedPayment } from '../gateway-book.js';
import type { Rebuilt } from '../read-models.check.js';
import type { TopicRecord } from '../topic-records.js';

/** How an order of the small world ended. */
type Story = 'confirmed' | 'declined' | 'out-of-stock' | 'refunded';
const STORIES: Readonly<Record<string, Story>> = { o1: 'confirmed', o2: 'declined', o3: 'refunded', o4: 'out-of-stock' };
const SKU = 'MUG';
const PRICE = 425;
/** Pieces an order; more than there are for the one that is refused. */
const PIECES: Readonly<Record<Story, number>> = { confirmed: 2, declined: 1, refunded: 3, 'out-of-stock': 50 };

/**
 * A database in which four orders have ended, each in its way, with the read models, the topics and the gateway's book that belong
 * to it. Every invariant holds until a spec breaks one.
 */
export class SmallWorld {
  readonly records: TopicRecord[] = [];
  readonly book: BookedPayment[] = [];

  private constructor(
    readonly url: string,
    private readonly drop: () => Promise<void>,
    readonly database: PostgresDatabase,
    private readonly pool: ReturnType<typeof createPool>,
  ) {}

  static async create(): Promise<SmallWorld> {
    const { url, drop } = await createTestDatabase();
    const logger = createLogger({ app: 'spec', level: 'fatal' });
    const world = new SmallWorld(
      url,
      drop,
      new PostgresDatabase(url),
      createPool({ databaseUrl: url, max: 3, app: 'spec', logger, pipeline: true }),
    );
    await world.fill();
    return world;
  }

  /** Does to the database what no code of ours would. */
  async tamper(sql: string): Promise<void> {
    const { rowCount } = await this.pool.query(sql);
    if (rowCount === 0) throw new Error(`changed nothing: ${sql}`);
  }

  rebuild(projection: ProjectionName): Promise<Rebuilt> {
    return rebuildBeside(projection, { databaseUrl: this.url, source: new EventReader({ pool: this.pool }) });
  }

  async end(): Promise<void> {
    await Promise.all([this.database.close(), this.pool.end()]);
    await this.drop();
  }

  private async fill(): Promise<void> {
    const store = new EventStore({ pool: this.pool });
    await this.write(
      store,
      'stock',
      SKU,
      0,
      [{ type: 'StockReceived', data: { sku: SKU, quantity: 20, reference: null } }],
      'ReceiveStock',
    );
    for (const [orderId, story] of Object.entries(STORIES)) await this.order(store, orderId, story);
    // A command that was refused: it has an answer and no event.
    const refused = commandOf('CancelOrder', 409, { code: 'order.already-rejected' });
    await store.append([{ writes: [], metadata: metadataOf(refused), command: refused }]);
    await this.project();
    await this.publish();
  }

  private async order(store: EventStore, orderId: string, story: Story): Promise<void> {
    const quantity = PIECES[story];
    const total = quantity * PRICE;
    const placed: AnyDomainEvent = {
      type: 'OrderPlaced',
      data: {
        orderId,
        reference: null,
        customer: { id: 'c1', name: null, email: null, country: null },
        currency: 'GBP',
        lines: [{ lineNo: 1, sku: SKU, description: null, quantity, unitPrice: PRICE }],
        total,
        paymentToken: 'tok_ok',
      },
    };
    await this.write(store, 'order', orderId, 0, [placed], 'PlaceOrder');
    await this.write(store, 'stock', SKU, await this.headOf('stock', SKU), stockOf(story, orderId, quantity));
    if (story !== 'out-of-stock') await this.write(store, 'payment', orderId, 0, paymentOf(story, orderId, total));
    await this.write(store, 'fulfilment', orderId, 0, fulfilmentOf(story, orderId, quantity, total));
    await this.write(store, 'order', orderId, 1, endOf(story, orderId));
    if (story !== 'out-of-stock') {
      const status = ({ confirmed: 'captured', declined: 'declined', refunded: 'refunded' } as const)[story];
      this.book.push({ reference: `pay-${orderId}`, status, amount: total, currency: 'GBP' });
    }
  }

  private async write(
    store: EventStore,
    category: StreamCategory,
    key: string,
    expectedVersion: number,
    events: readonly AnyDomainEvent[],
    commandName?: string,
  ): Promise<void> {
    const stream = streamId(category, key);
    const command =
      commandName === undefined ? undefined : commandOf(commandName, 201, { consistencyToken: `${stream}@${expectedVersion + 1}` });
    const verdicts = await store.append([
      {
        metadata: metadataOf(command),
        writes: [
          {
            streamId: stream,
            expectedVersion,
            events: events.map(({ type, data }) => ({
              id: randomUUID(),
              type,
              data,
              schemaVersion: SCHEMA_VERSIONS[type],
              occurredAt: '2024-03-04T09:00:00.000Z',
            })),
          },
        ],
        ...(command === undefined ? {} : { command }),
      },
    ]);
    if (verdicts[0]!.outcome !== 'appended') throw new Error(JSON.stringify(verdicts[0]));
  }

  private async headOf(category: StreamCategory, key: string): Promise<number> {
    return new EventReader({ pool: this.pool }).head(streamId(category, key));
  }

  private async project(): Promise<void> {
    const client = await this.pool.connect();
    for (const category of PROJECTED_CATEGORIES) {
      const writer = new ProjectionWriter({ projections: projectionsOf(category) });
      for await (const events of new EventReader({ pool: this.pool }).readAll({ categories: [category] })) {
        await client.query('BEGIN');
        await writer.apply(client, events);
        await client.query('COMMIT');
      }
    }
    client.release();
  }

  private async publish(): Promise<void> {
    const { rows } = await this.pool.query<{
      stream_id: string;
      version: number;
      event_id: string;
      type: string;
      schema_version: number;
      data: object;
    }>('SELECT stream_id, version, event_id, type, schema_version, data FROM tidemark.events ORDER BY position');
    for (const [index, { stream_id: id, version, event_id: eventId, type, schema_version: schemaVersion, data }] of rows.entries()) {
      this.records.push({
        topic: `tidemark.${id.split('-')[0]}`,
        partition: id.length % 3,
        offset: String(index),
        streamId: id,
        version,
        eventId,
        content: contentDigest(type, schemaVersion, data),
      });
    }
    await this.pool.query('DELETE FROM tidemark.outbox');
  }
}

function commandOf(name: string, status: number, body: object): CommandRecord {
  const id = randomUUID();
  return { id, name, idempotencyKey: `key-${id}`, fingerprint: 'f', answer: { status, headers: {}, body: JSON.stringify(body) } };
}

const metadataOf = (command: CommandRecord | undefined) => ({
  correlationId: randomUUID(),
  causationId: command?.id ?? randomUUID(),
  actor: 'spec',
  commandId: command?.id ?? null,
  traceparent: null,
});

function stockOf(story: Story, orderId: string, quantity: number): AnyDomainEvent[] {
  const data = { sku: SKU, orderId, quantity };
  if (story === 'out-of-stock')
    return [{ type: 'StockReservationRejected', data: { sku: SKU, orderId, requested: quantity, available: 18 } }];
  if (story === 'declined')
    return [
      { type: 'StockReserved', data },
      { type: 'StockReleased', data },
    ];
  const shipped: AnyDomainEvent[] = [
    { type: 'StockReserved', data },
    { type: 'StockShipped', data },
  ];
  return story === 'refunded' ? [...shipped, { type: 'StockReturned', data }] : shipped;
}

function paymentOf(story: Exclude<Story, 'out-of-stock'>, orderId: string, amount: number): AnyDomainEvent[] {
  const requested: AnyDomainEvent = {
    type: 'PaymentRequested',
    data: { orderId, reference: `pay-${orderId}`, amount, currency: 'GBP', paymentToken: 'tok_ok' },
  };
  if (story === 'declined') return [requested, { type: 'PaymentDeclined', data: { orderId, code: 'card-declined', detail: 'no' } }];
  const captured: AnyDomainEvent[] = [
    requested,
    { type: 'PaymentAuthorized', data: { orderId, gatewayId: `gw-${orderId}` } },
    { type: 'PaymentCaptured', data: { orderId, amount } },
  ];
  return story === 'refunded' ? [...captured, { type: 'PaymentRefunded', data: { orderId, amount } }] : captured;
}

function fulfilmentOf(story: Story, orderId: string, quantity: number, amount: number): AnyDomainEvent[] {
  const done = (step: FulfilmentStep): AnyDomainEvent => ({ type: 'FulfilmentStepCompleted', data: { orderId, step, gatewayId: null } });
  const steps: Record<Story, FulfilmentStep[]> = {
    confirmed: ['reserve', 'authorize', 'capture', 'confirm'],
    declined: ['reserve', 'release'],
    refunded: ['reserve', 'authorize', 'capture', 'confirm', 'refund', 'return'],
    'out-of-stock': [],
  };
  const outcome = story === 'confirmed' ? 'confirmed' : story === 'refunded' ? 'cancelled' : 'rejected';
  return [
    { type: 'FulfilmentStarted', data: { orderId, items: [{ sku: SKU, quantity }], amount, currency: 'GBP', paymentToken: 'tok_ok' } },
    ...steps[story].map(done),
    { type: 'FulfilmentCompleted', data: { orderId, outcome } },
  ];
}

function endOf(story: Story, orderId: string): AnyDomainEvent[] {
  const confirmed: AnyDomainEvent = { type: 'OrderConfirmed', data: { orderId } };
  if (story === 'confirmed') return [confirmed];
  if (story === 'refunded')
    return [confirmed, { type: 'OrderCancelled', data: { orderId, reason: 'changed my mind', cancelledFrom: 'confirmed' } }];
  const code = story === 'declined' ? 'payment-declined' : 'out-of-stock';
  return [{ type: 'OrderRejected', data: { orderId, reason: { code, detail: 'no' } } }];
}
