import { orderDecider, stockDecider, streamId, type OrderEvent, type OrderState, type StockEvent, type StockState } from '#domain';
import type { Kernel } from '../kernel/kernel.js';
import { Blocked, Transaction, type LockHolder } from '../postgres/transaction.js';
import type { MemoryPostgres } from '../postgres/memory-postgres.js';
import type { EventStoreSide } from './event-store-side.js';
import { uuid } from '../uuid.js';

export const SKUS = ['A', 'B'];
const TOKENS = ['tok_ok', 'tok_ok', 'tok_ok', 'tok_declined', 'tok_rejected'];

/** What customers and the warehouse do through command-api meanwhile: stock comes in, orders are placed, some are cancelled. */
export class Shop {
  readonly orderIds: string[] = [];
  /** What it still has to do. */
  open = 0;
  private lastId = 0x1_0000;

  constructor(
    private readonly kernel: Kernel,
    private readonly postgres: MemoryPostgres,
    private readonly store: EventStoreSide,
  ) {}

  trade(): void {
    const { random } = this.kernel;
    for (const sku of SKUS) this.later(0, () => this.receive(sku, 4 + random.below(12)));
    const orders = 1 + random.below(5);
    for (let n = 0; n < orders; n += 1) {
      const orderId = uuid(n + 1);
      this.orderIds.push(orderId);
      const at = random.below(4_000);
      this.later(at, () => this.place(orderId));
      // At any stage, also long after the end.
      if (random.chance(0.4)) this.later(at + 1 + random.below(random.chance(0.3) ? 40_000 : 3_000), () => this.cancel(orderId));
    }
    if (random.chance(0.5)) this.later(random.below(6_000), () => this.receive(random.pick(SKUS), 5));
  }

  private receive(sku: string, quantity: number): void {
    this.append<StockEvent>('stock', sku, (events) => {
      const state = events.reduce<StockState>(stockDecider.evolve, stockDecider.initialState);
      return stockDecider.decide({ type: 'ReceiveStock', data: { sku, quantity, reference: null } }, state);
    });
  }

  private place(orderId: string): void {
    const { random } = this.kernel;
    const lines = SKUS.slice(0, 1 + random.below(2)).map((sku) => ({
      sku,
      description: null,
      quantity: 1 + random.below(4),
      unitPrice: 100,
    }));
    // An odd total is what the bank declines to capture.
    if (random.chance(0.15)) lines[0] = { ...lines[0]!, quantity: 1, unitPrice: 101 };
    const customer = { id: 'c1', name: null, email: null, country: 'United Kingdom' };
    const data = { orderId, reference: null, customer, currency: 'GBP', lines, paymentToken: random.pick(TOKENS) };
    this.append<OrderEvent>('order', orderId, () => orderDecider.decide({ type: 'PlaceOrder', data }, orderDecider.initialState));
  }

  private cancel(orderId: string): void {
    this.append<OrderEvent>('order', orderId, (events) => {
      const state = events.reduce<OrderState>(orderDecider.evolve, orderDecider.initialState);
      const isPossible = state.status === 'placed' || state.status === 'confirmed';
      return isPossible ? orderDecider.decide({ type: 'CancelOrder', data: { orderId, reason: 'changed my mind' } }, state) : [];
    });
  }

  /** A transaction of its own, once nobody holds the stream. */
  private append<Event extends OrderEvent | StockEvent>(
    category: 'order' | 'stock',
    key: string,
    decide: (events: readonly Event[]) => Event[],
  ): void {
    const holder: LockHolder = { locks: new Set(), awaits: undefined };
    const transaction = new Transaction(this.postgres.locks, holder, () => this.kernel.now);
    try {
      transaction.lock(`streams ${streamId(category, key)}`);
      const events = decide(this.store.committed(streamId(category, key)) as unknown as Event[]);
      this.store.write(transaction, category, key, events, () => uuid((this.lastId += 1)));
      transaction.commit();
    } catch (error) {
      if (!(error instanceof Blocked)) throw error;
      this.later(20, () => this.append(category, key, decide));
    } finally {
      const keys = [...holder.locks];
      this.postgres.locks.releaseAll(holder);
      this.postgres.wake(keys);
    }
  }

  private later(ms: number, act: () => void): void {
    this.open += 1;
    this.kernel.schedule(
      'shop',
      undefined,
      () => {
        this.open -= 1;
        act();
      },
      ms,
    );
  }
}
