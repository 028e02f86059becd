import {
  mayTouchStock,
  nextAction,
  SCHEMA_VERSIONS,
  stockStreamsOf,
  streamId,
  type AnyDomainEvent,
  type FulfilmentAction,
  type FulfilmentInput,
  type FulfilmentState,
} from '#domain';
import type { AppendRequest, AppendVerdict, CommandRecord, EventMetadata, EventStore } from '#event-store';
import { failpoints } from '#failpoints';
import { isTransientDatabaseError, newId, type Logger } from '#platform';
import type { Pool, PoolClient } from 'pg';
import { DecisionBatch, type BatchStates, type Decision } from './decision-batch.js';
import { expectStates, forgetStreams, loadLocked, rememberStates, type FulfilmentLoaders } from './fulfilment-loaders.js';
import { actionName, type FulfilmentWork, type ParkedWork, type ScheduledWork } from './fulfilment-work.js';
import { backoffMs, LONGEST_WAIT_IN_MEMORY_MS } from './gateway-backoff.js';
import type { Dispatch } from './gateway-dispatcher.js';
import { BEGIN } from './transaction.js';

/** Where an input comes from: becomes the metadata of the events it leads to. */
export interface Cause {
  readonly correlationId: string;
  readonly causationId: string;
  readonly actor: string;
  readonly traceparent: string | null;
  /** An operator's command, recorded with its answer in the same transaction. */
  readonly command?: CommandRecord;
  /** Runs in the transaction that commits the input's events: what it writes is there with them or not at all. */
  readonly inTransaction?: (client: PoolClient) => Promise<void>;
}

interface Pending {
  readonly orderId: string;
  readonly input: FulfilmentInput;
  readonly cause: Cause;
  readonly resolve: (verdict: AppendVerdict) => void;
  readonly reject: (error: unknown) => void;
}

interface RunnerOptions {
  readonly pool: Pool;
  readonly store: EventStore;
  readonly loaders: FulfilmentLoaders;
  readonly work: FulfilmentWork;
  readonly leaseMs: number;
  readonly logger: Logger;
  /** After commit: events wait in the outbox. */
  readonly onCommitted: () => void;
  /** After commit: what has to go to the gateway, and soon. What has to wait longer comes back through its row (see OverdueWork). */
  readonly onDispatch: (dispatch: Dispatch) => void;
}

/** Inputs and order lines decided in one transaction: enough to share its cost, few enough to commit in tens of milliseconds. */
const MAX_INPUTS = 100;
const MAX_ITEMS = 1_500;

/** So many batches are decided under lock alone after one that somebody else had overtaken: where two want the same, foresight is wasted. */
const WITHOUT_FORESIGHT = 20;

/** What a batch may touch. */
interface BatchStreams {
  readonly ids: Readonly<Record<keyof BatchStates, string[]>>;
  readonly locked: string[];
  readonly read: string[];
}

interface Decided {
  readonly states: BatchStates;
  readonly decided: DecidedInput[];
  readonly failed: [Pending, unknown][];
  readonly requests: readonly AppendRequest[];
}

/** A batch decided on what its streams are expected to hold. */
interface Foreseen extends Decided {
  readonly batch: Pending[];
  readonly streams: BatchStreams;
  /** It holds only if they stand here when they are locked. */
  readonly versions: ReadonlyMap<string, number>;
}

interface DecidedInput {
  readonly pending: Pending;
  readonly decision: Decision;
  readonly request: AppendRequest;
  /** The id of the input's last event: what its next action follows from. */
  readonly lastEventId: string | undefined;
  /** What the order waited for before the batch. */
  readonly awaitedBefore: FulfilmentAction;
}

/**
 * Runs the fulfilment saga in batches: takes the inputs that wait, locks the orders and the stock they may touch, decides them all in
 * memory and commits their events, outbox rows and timers in one transaction.
 * - Streams are locked before deciding, so two orchestrators wanting the same SKU queue up instead of retrying each other to death.
 * - While PostgreSQL writes a batch, the next one is decided on what that one leaves behind. Such a decision is taken only if all before it
 *   was committed and its streams, locked in their turn, stand where it expected them; otherwise the batch is decided again under lock.
 * - Answers of the gateway go before new orders: what is begun gets finished first.
 * - A transient database error repeats the batch until it is through; an input that breaks a rule, or that the database refuses, fails
 *   alone.
 */
export class FulfilmentRunner {
  private readonly outcomes: Pending[] = [];
  private readonly messages: Pending[] = [];
  /** So many at the head of the outcomes are of a batch that the database refused: each goes alone. */
  private suspects = 0;
  /** Of the batch after the one under way. */
  private foresight: Promise<Foreseen | undefined> | undefined;
  private withoutForesight = 0;
  private loop: Promise<void> | undefined;
  private stopped = false;

  constructor(private readonly options: RunnerOptions) {}

  get queued(): number {
    return this.outcomes.length + this.messages.length;
  }

  /** Resolves when the input is decided and committed; rejects with the DomainError of a broken rule. */
  submit(orderId: string, input: FulfilmentInput, cause: Cause): Promise<AppendVerdict> {
    if (this.stopped) return Promise.reject(new Error('the orchestrator is shutting down'));
    return new Promise((resolve, reject) => {
      const pending = { orderId, input, cause, resolve, reject };
      // What Kafka delivers stays in one queue: a cancellation must not overtake the start it belongs to.
      const fromKafka = input.type === 'StartFulfilment' || input.type === 'RequestCancellation';
      (fromKafka ? this.messages : this.outcomes).push(pending);
      this.loop ??= this.drain();
    });
  }

  /** Finishes the batch under way; what still waits is rejected and comes back through Kafka or its lease. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.loop;
  }

  private async drain(): Promise<void> {
    // One turn of the event loop lets inputs that arrive together share the transaction.
    await new Promise(setImmediate);
    for (let failures = 0; !this.stopped;) {
      const foreseen = await this.takeForesight();
      if (foreseen === undefined && this.queued === 0) break;
      const alone = foreseen === undefined && this.suspects > 0;
      const batch = foreseen?.batch ?? this.takeBatch();
      try {
        await this.run(batch, foreseen);
        failures = 0;
      } catch (error) {
        await this.forgoForesight();
        if (!isTransientDatabaseError(error)) {
          this.refused(batch, error);
          continue;
        }
        failures += 1;
        this.options.logger.warn({ event: 'fulfilment.batch.retried', count: batch.length, failures, err: error });
        this.putBack(batch);
        if (alone) this.suspects += batch.length;
        await new Promise((resolve) => setTimeout(resolve, Math.min(50 * 2 ** failures, 2_000)));
      }
    }
    if (this.foresight !== undefined) await this.forgoForesight();
    this.rejectAll(new Error('the orchestrator is shutting down'));
    // Not a moment later: what comes now starts the next.
    this.loop = undefined;
  }

  /** The database will refuse it again. Which input is to blame shows when each is tried alone. */
  private refused(batch: readonly Pending[], error: unknown): void {
    if (batch.length > 1) {
      this.putBack(batch);
      this.suspects = batch.length;
      this.options.logger.warn({ event: 'fulfilment.batch.split', count: batch.length, err: error });
      return;
    }
    for (const pending of batch) {
      pending.reject(error);
      this.options.logger.error({ event: 'fulfilment.input.failed', orderId: pending.orderId, input: pending.input.type, err: error });
    }
  }

  /** Before all others: what is begun gets finished first. */
  private putBack(batch: readonly Pending[]): void {
    this.outcomes.unshift(...batch);
  }

  private rejectAll(error: Error): void {
    for (const pending of [...this.outcomes.splice(0), ...this.messages.splice(0)]) pending.reject(error);
  }

  private takeBatch(): Pending[] {
    if (this.suspects > 0) {
      this.suspects -= 1;
      return this.outcomes.splice(0, 1);
    }
    const batch: Pending[] = [];
    for (let items = 0; batch.length < MAX_INPUTS && items < MAX_ITEMS;) {
      const next = this.outcomes.shift() ?? this.messages.shift();
      if (next === undefined) break;
      items += next.input.type === 'StartFulfilment' ? next.input.items.length : 0;
      batch.push(next);
    }
    return batch;
  }

  private async run(batch: readonly Pending[], foreseen?: Foreseen): Promise<void> {
    const startedAt = performance.now();
    const client = await this.options.pool.connect();
    let touched: string[] = [];
    let broken: Error | undefined;
    try {
      await client.query(BEGIN);
      const streams = foreseen?.streams ?? (await this.streamsOf(batch, client));
      touched = Object.values(streams.ids).flat();
      const versions = await this.lock(client, streams);
      if (foreseen !== undefined && !isAsForeseen(foreseen, versions)) {
        await client.query('ROLLBACK');
        this.withoutForesight = WITHOUT_FORESIGHT;
        return this.putBack(batch);
      }
      const { states, decided, failed, requests } = foreseen ?? this.decideAll(batch, await this.load(client, streams, versions));
      const appending = this.options.store.append(requests, client);
      this.foresight = this.foresee(states);
      const verdicts = await appending;
      const refused = decided.flatMap((item, index) => {
        const verdict = verdicts[index];
        return verdict === undefined || verdict.outcome === 'appended' ? [] : [{ item, verdict }];
      });
      if (refused.length > 0) {
        await client.query('ROLLBACK');
        forgetStreams(this.options.loaders, touched);
        await this.forgoForesight();
        return this.settleRefused(batch, refused);
      }
      await this.schedule(client, decided);
      for (const { pending } of decided) await pending.cause.inTransaction?.(client);
      if (failpoints.armed) await failpoints.reach('orchestrator.decided');
      await client.query('COMMIT');
      if (failpoints.armed) await failpoints.reach('orchestrator.committed');
      rememberStates(this.options.loaders, states);
      this.finish(decided, failed, performance.now() - startedAt);
    } catch (error) {
      forgetStreams(this.options.loaders, touched);
      broken = error instanceof Error ? error : new Error(String(error));
      await client.query('ROLLBACK').catch((rollbackError: unknown) => {
        this.options.logger.debug({ event: 'fulfilment.rollback.failed', err: rollbackError });
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /**
   * Locks what others want as well: the stock, and the orders that may end now (whatever ends an order is what may touch its stock). A
   * saga and its payment are written by orchestrators alone, which seldom want the same one: reading their versions is enough, since the
   * append refuses them when they have moved. Measured: a lock, a head put there at 0 and moved after were a fifth of a saga's time in
   * the database. Whoever starts an order holds it, so no cancellation is decided beside its start.
   */
  private async lock(client: PoolClient, { locked, read }: BatchStreams): Promise<Map<string, number>> {
    const versions = await this.options.store.lockStreams(client, locked);
    for (const [id, version] of await this.options.store.versionsOf(client, read)) versions.set(id, version);
    return versions;
  }

  private async load(client: PoolClient, { ids }: BatchStreams, versions: ReadonlyMap<string, number>): Promise<BatchStates> {
    const { loaders } = this.options;
    return {
      fulfilment: await loadLocked(loaders.fulfilment, ids.fulfilment, versions, client),
      order: await loadLocked(loaders.order, ids.order, versions, client),
      payment: await loadLocked(loaders.payment, ids.payment, versions, client),
      stock: await loadLocked(loaders.stock, ids.stock, versions, client),
    };
  }

  private async streamsOf(batch: readonly Pending[], client?: PoolClient, left?: BatchStates): Promise<BatchStreams> {
    const orderIds = [...new Set(batch.map((pending) => pending.orderId))];
    const ids = {
      fulfilment: orderIds.map((id) => streamId('fulfilment', id)),
      order: orderIds.map((id) => streamId('order', id)),
      payment: orderIds.map((id) => streamId('payment', id)),
      stock: await this.stockStreams(batch, client, left),
    };
    const ending = new Set(batch.filter(({ input }) => mayTouchStock(input)).map(({ orderId }) => streamId('order', orderId)));
    const read = [...ids.fulfilment, ...ids.payment, ...ids.order.filter((id) => !ending.has(id))];
    return { ids, locked: [...ending, ...ids.stock], read };
  }

  /** An order's items never change once its fulfilment has started, so they may be read before the lock. */
  private async stockStreams(batch: readonly Pending[], client?: PoolClient, left?: BatchStates): Promise<string[]> {
    const touching = batch.filter((pending) => mayTouchStock(pending.input));
    const running = touching
      .filter((pending) => pending.input.type !== 'StartFulfilment')
      .map((pending) => streamId('fulfilment', pending.orderId));
    const { fulfilment } = this.options.loaders;
    const seen = (id: string) => left?.fulfilment.get(id) ?? fulfilment.cached(id);
    const unseen = running.filter((id) => seen(id) === undefined);
    const loaded = unseen.length > 0 ? await fulfilment.loadMany(unseen, client) : new Map();
    const known = running.map((id) => (loaded.get(id) ?? seen(id))?.state);
    const items = [
      ...touching.flatMap(({ input }) => (input.type === 'StartFulfilment' ? input.items : [])),
      ...known.flatMap((state) => (state === undefined || state.status === 'not-started' ? [] : state.items)),
    ];
    return [...new Set(stockStreamsOf(items))];
  }

  /** Undefined when nothing waits, or its states cannot be had. @param left as the batch leaves them that is being written */
  private async foresee(left: BatchStates): Promise<Foreseen | undefined> {
    if (this.withoutForesight > 0) this.withoutForesight -= 1;
    if (this.queued === 0 || this.suspects > 0 || this.withoutForesight > 0 || this.stopped) return undefined;
    const batch = this.takeBatch();
    try {
      const streams = await this.streamsOf(batch, undefined, left);
      const states = await expectStates(this.options.loaders, streams.ids, left);
      const versions = new Map(Object.values(states).flatMap((of) => [...of].map(([id, { version }]) => [id, version] as const)));
      return { batch, streams, versions, ...this.decideAll(batch, states) };
    } catch (error) {
      this.options.logger.debug({ event: 'fulfilment.foresight.failed', err: error });
      this.putBack(batch);
      return undefined;
    }
  }

  private async takeForesight(): Promise<Foreseen | undefined> {
    const foreseen = await this.foresight;
    this.foresight = undefined;
    return foreseen;
  }

  /** What it rests on was not committed. Before the batch that failed is put back, so that this one comes after it. */
  private async forgoForesight(): Promise<void> {
    const foreseen = await this.takeForesight();
    if (foreseen !== undefined) this.putBack(foreseen.batch);
  }

  private decideAll(batch: readonly Pending[], states: BatchStates): Decided {
    const decisions = new DecisionBatch(states);
    // Deciding replaces the states in this map.
    const before = new Map(states.fulfilment);
    const decided: DecidedInput[] = [];
    const failed: [Pending, unknown][] = [];
    for (const pending of batch) {
      const awaited = awaitedOf(before.get(streamId('fulfilment', pending.orderId))?.state);
      try {
        decided.push(this.prepare(pending, awaited, decisions.decide(pending.orderId, pending.input)));
      } catch (error) {
        failed.push([pending, error]);
      }
    }
    return { states, decided, failed, requests: this.options.store.prepare(decided.map(({ request }) => request)) };
  }

  private prepare(pending: Pending, awaitedBefore: FulfilmentAction, decision: Decision): DecidedInput {
    const { correlationId, causationId, actor, traceparent, command } = pending.cause;
    const metadata: EventMetadata = { correlationId, causationId, actor, traceparent, commandId: command?.id ?? null };
    const occurredAt = new Date().toISOString();
    const writes = decision.writes.map((write) => ({
      streamId: write.streamId,
      expectedVersion: write.expectedVersion,
      events: write.events.map((event) => ({
        id: newId(),
        type: event.type,
        schemaVersion: SCHEMA_VERSIONS[event.type as AnyDomainEvent['type']],
        data: event.data,
        occurredAt,
      })),
    }));
    const saga = writes.find((write) => write.streamId === streamId('fulfilment', pending.orderId));
    return { pending, decision, request: { writes, metadata, command }, lastEventId: saga?.events.at(-1)?.id, awaitedBefore };
  }

  /** The last decision about an order in the batch says what it waits for. */
  private async schedule(client: PoolClient, decided: readonly DecidedInput[]): Promise<void> {
    const due: ScheduledWork[] = [];
    const parked: ParkedWork[] = [];
    const finished: string[] = [];
    for (const { pending, decision, lastEventId, awaitedBefore } of lastOfEach(decided)) {
      if (lastEventId === undefined) continue;
      const row = { orderId: pending.orderId, correlationId: pending.cause.correlationId, causationId: lastEventId };
      if (decision.state.status === 'parked') {
        parked.push({ ...row, step: decision.state.operation, code: decision.state.code, detail: decision.state.detail });
      } else if (decision.action.kind === 'none') {
        finished.push(pending.orderId);
      } else if (!isSameStep(awaitedBefore, decision.action)) {
        due.push({ ...row, ...this.timerOf(decision.action) });
      }
    }
    await this.options.work.schedule(client, due);
    await this.options.work.park(client, parked);
    await this.options.work.finish(client, finished);
  }

  private timerOf(action: FulfilmentAction): Pick<ScheduledWork, 'action' | 'dueInMs' | 'waits'> {
    const waits = waitsInItsRow(action);
    return { action, waits, dueInMs: waits ? waitOf(action) : this.options.leaseMs };
  }

  private finish(decided: readonly DecidedInput[], failed: readonly [Pending, unknown][], durationMs: number): void {
    this.options.onCommitted();
    for (const { pending, decision, lastEventId, awaitedBefore } of lastOfEach(decided)) {
      const { state, action } = decision;
      if (lastEventId === undefined || state.status === 'not-started' || (action.kind !== 'send' && action.kind !== 'look-up')) continue;
      if (isSameStep(awaitedBefore, action) || waitsInItsRow(action)) continue;
      const { correlationId } = pending.cause;
      this.options.onDispatch({ fulfilment: state, action, waitMs: waitOf(action), correlationId, causationId: lastEventId });
    }
    for (const { pending } of decided) pending.resolve({ outcome: 'appended' });
    for (const [pending, error] of failed) pending.reject(error);
    const events = decided.reduce((sum, item) => sum + item.decision.writes.reduce((n, write) => n + write.events.length, 0), 0);
    this.options.logger.debug({ event: 'fulfilment.batch.committed', inputs: decided.length, events, durationMs: Math.round(durationMs) });
  }

  /**
   * Only two refusals are possible: a saga that was read and not locked was moved on by another process (everything runs again), or an
   * operator's command was repeated (it gets its first answer, the rest runs again).
   */
  private settleRefused(batch: readonly Pending[], refused: readonly { item: DecidedInput; verdict: AppendVerdict }[]): void {
    const settled = new Set<Pending>();
    for (const { item, verdict } of refused) {
      if (verdict.outcome === 'conflict') continue;
      item.pending.resolve(verdict);
      settled.add(item.pending);
    }
    this.putBack(batch.filter((pending) => !settled.has(pending)));
  }
}

const isAsForeseen = ({ versions }: Foreseen, locked: ReadonlyMap<string, number>): boolean =>
  [...versions].every(([id, version]) => (locked.get(id) ?? 0) === version);

const awaitedOf = (state: FulfilmentState | undefined): FulfilmentAction => (state === undefined ? { kind: 'none' } : nextAction(state));

const waitOf = (action: FulfilmentAction): number => ('attempt' in action ? backoffMs(action.attempt) : 0);

const waitsInItsRow = (action: FulfilmentAction): boolean => waitOf(action) > LONGEST_WAIT_IN_MEMORY_MS;

/**
 * What the order waited for before and still waits for (a cancellation came meanwhile) is on its way, or waits in its row: it must neither
 * leave twice nor wait anew.
 */
const isSameStep = (before: FulfilmentAction, action: FulfilmentAction): boolean =>
  actionName(action) !== null && actionName(before) === actionName(action);

function lastOfEach(decided: readonly DecidedInput[]): DecidedInput[] {
  const last = new Map<string, DecidedInput>();
  for (const item of decided) if (item.lastEventId !== undefined) last.set(item.pending.orderId, item);
  return [...last.values()];
}
