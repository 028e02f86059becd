/**
 * How a lane decides: one command after the other, never answering without appending on a state older than the command, deciding again
 * when another process was faster, and taking the lock when it is faster again and again. With a store in memory, so that the races
 * are built rather than hoped for; tests against PostgreSQL are in stock.spec.ts and idempotency.spec.ts.
 */
import { stockDecider, type StockCommand, type StockEvent, type StockState } from '#domain';
import type { AppendRequest, AppendVerdict } from '#event-store';
import { beforeEach, describe, expect, it, vi, type Mock } from 'vitest';
import type { CommandOutcome } from './command-answer.js';
import { StreamLane, type LaneOptions, type StreamCommand } from './stream-lane.js';

type Options = LaneOptions<StockState, StockCommand, StockEvent>;

/** The stream as the database has it, and a way for a stranger to be faster. */
class Store {
  readonly events: StockEvent[] = [];
  readonly appended: AppendRequest[] = [];
  remembered: { state: StockState; version: number } | undefined;
  loads = 0;
  beforeAppend: () => void = () => undefined;

  fold(): { state: StockState; version: number } {
    return { state: this.events.reduce(stockDecider.evolve, stockDecider.initialState), version: this.events.length };
  }

  readonly loader = {
    cached: () => this.remembered,
    load: async () => ((this.loads += 1), (this.remembered = this.fold())),
    loadMany: async (ids: readonly string[]) => ((this.loads += 1), new Map(ids.map((id) => [id, this.fold()]))),
    remember: (_id: string, version: number, state: StockState) => void (this.remembered = { version, state }),
  };

  append = async (request: AppendRequest): Promise<AppendVerdict> => {
    this.beforeAppend();
    const [write] = request.writes;
    if (write !== undefined && write.expectedVersion !== this.events.length) {
      return { outcome: 'conflict', streamId: write.streamId, expectedVersion: write.expectedVersion, actualVersion: this.events.length };
    }
    if (write !== undefined) this.events.push(...(write.events as unknown as StockEvent[]));
    this.appended.push(request);
    return { outcome: 'appended' };
  };
}

let store: Store;
let onIdle: Mock<() => void>;
let holds: number;
let lane: StreamLane<StockState, StockCommand, StockEvent>;

beforeEach(() => {
  store = new Store();
  holds = 0;
  onIdle = vi.fn<() => void>();
  lane = new StreamLane(
    {
      decider: stockDecider,
      loader: store.loader as unknown as Options['loader'],
      groupCommit: { append: (request) => store.append(request) },
      store: { findAnswer: async () => undefined },
      lock: {
        hold: (_id: string, work: (locked: unknown) => unknown) => {
          holds += 1;
          store.beforeAppend = () => undefined;
          return work({ client: {}, commit: store.append });
        },
      } as unknown as Options['lock'],
      maxWaiting: 3,
      maxConflicts: 2,
    },
    onIdle,
  );
});

const stranger = (delta: number): StockEvent => ({ type: 'StockAdjusted', data: { sku: 'A', delta, reason: 'a stranger' } });

function adjust(delta: number, changes: Partial<StreamCommand<StockState, StockCommand>> = {}): Promise<CommandOutcome> {
  return lane.execute({
    streamId: 'stock-A',
    command: { type: 'AdjustStock', data: { sku: 'A', delta, reason: 'x' } },
    occurredAt: '2010-12-01T08:26:00.000Z',
    envelope: {
      idempotencyKey: 'k',
      fingerprint: 'f',
      actor: 'a',
      correlationId: 'c',
      traceparent: null,
      ifMatch: undefined,
      receivedAt: '2010-12-01T08:26:00.000Z',
    },
    accepted: ({ onHand }) => ({ status: 201, body: { onHand } }),
    ...changes,
  });
}

const told = async (outcome: Promise<CommandOutcome>) => JSON.parse((await outcome).answer.body);

describe('a lane', () => {
  it('decides each command on what the one before it left, reading the stream once', async () => {
    const outcomes = await Promise.all([adjust(5), adjust(-2), adjust(-3)].map(told));
    expect(outcomes.map(({ onHand, version }) => [onHand, version])).toEqual([
      [5, 1],
      [3, 2],
      [0, 3],
    ]);
    expect(store.loads).toBe(1);
    expect(onIdle).toHaveBeenCalledOnce();
  });

  it('decides again on the new state when a stranger was faster', async () => {
    store.events.push(stranger(5));
    await store.loader.load();
    store.beforeAppend = () => {
      store.beforeAppend = () => undefined;
      store.events.push(stranger(-5));
    };
    expect(await told(adjust(-1))).toMatchObject({ code: 'stock.below-zero', onHand: 0 });
    expect(store.events).toHaveLength(2);
  });

  it('refuses only on a state read after the command came: what it remembers may be out of date', async () => {
    store.remembered = store.fold();
    store.events.push(stranger(1));
    expect(await told(adjust(-1))).toMatchObject({ onHand: 0, version: 2 });
  });

  it('fails a precondition only on a state read after the command came', async () => {
    store.remembered = store.fold();
    store.events.push(stranger(1), stranger(1));
    const envelope = { idempotencyKey: 'k', fingerprint: 'f', actor: 'a', correlationId: 'c', traceparent: null, receivedAt: '' };
    const at = (version: number) => ({ envelope: { ...envelope, ifMatch: { any: false as const, versions: new Set([version]) } } });
    expect(await told(adjust(1, at(2)))).toMatchObject({ onHand: 3, version: 3 });
    await expect(adjust(1, at(2))).rejects.toMatchObject({ status: 412, code: 'precondition-failed', extra: { version: 3 } });
    expect(store.appended).toHaveLength(1);
  });

  it('takes the lock after too many lost races, and then cannot lose', async () => {
    store.beforeAppend = () => void store.events.push(stranger(1));
    expect(await told(adjust(1))).toMatchObject({ onHand: 4, version: 4 });
    expect(holds).toBe(1);
  });

  it('stores a refusal with its answer and no event', async () => {
    const { answer, replayed } = await adjust(-1);
    expect([answer.status, replayed]).toEqual([409, false]);
    expect(store.appended).toEqual([
      expect.objectContaining({ writes: [], command: expect.objectContaining({ idempotencyKey: 'k', answer }) }),
    ]);
  });

  it('fails only the command whose append failed; the next is decided on what is really there', async () => {
    const failure = new Error('connection lost');
    store.beforeAppend = () => {
      store.beforeAppend = () => undefined;
      throw failure;
    };
    const [first, second] = await Promise.allSettled([adjust(5), adjust(-1)]);
    expect(first).toMatchObject({ status: 'rejected', reason: failure });
    expect(second).toMatchObject({ status: 'fulfilled', value: { answer: { status: 409 } } });
  });

  it('takes no more than may wait', async () => {
    const all = [adjust(1), adjust(1), adjust(1), adjust(1), adjust(1)];
    const outcomes = await Promise.allSettled(all);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
    expect(outcomes[4]).toMatchObject({ reason: { status: 429, code: 'too-many-requests', headers: { 'Retry-After': '2' } } });
  });
});
