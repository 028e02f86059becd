import type { SeededRandom } from '../kernel/seeded-random.js';
import { SqlError, type Statement, type Statements, type StatementResult } from '../postgres/statements.js';
import { MemoryTable, type LockHolder, type Transaction } from '../postgres/transaction.js';
import type { AdvisoryLocks } from './advisory-locks.js';

/** An event with its row in the outbox. */
export interface OutboxEvent {
  readonly position: number;
  readonly shard: number;
  readonly streamId: string;
  readonly version: number;
  readonly eventId: string;
  readonly data: string;
  readonly recordedAt: number;
}

interface Waiting {
  readonly position: number;
  readonly shard: number;
  readonly streamId: string;
  /** Where it lies in the table; taken again by later rows, as a vacuum allows. */
  readonly place: string;
}

export interface Letter {
  readonly position: number;
  readonly shard: number;
  readonly streamId: string;
}

interface OutboxSideOptions {
  readonly advisory: AdvisoryLocks;
  /** Below it every transaction has ended. */
  readonly oldestTransaction: () => number;
  readonly takeTransactionId: () => number;
  /** A look from the start takes too long. */
  readonly looksLong: () => boolean;
  /** Told of every row that is deleted as published, and by whom. */
  readonly onRemoved: (row: OutboxEvent, session: LockHolder) => void;
}

const READ_COLUMNS = [
  ['position', 'int8'],
  ['shard', 'int4'],
  ['stream_id', 'text'],
  ['version', 'int4'],
  ['event_id', 'text'],
  ['type', 'text'],
  ['schema_version', 'int4'],
  ['data', 'text'],
  ['occurred_at', 'text'],
  ['recorded_at', 'text'],
  ['correlation_id', 'text'],
  ['causation_id', 'text'],
  ['actor', 'text'],
  ['command_id', 'text'],
  ['traceparent', 'text'],
  ['place', 'text'],
] as const;

const SOUND_COLUMNS = [
  ['xmin', 'text'],
  ['newest', 'int8'],
  ['epoch', 'int8'],
  ['shard', 'int4'],
  ['lowest', 'int8'],
  ['age_ms', 'int4'],
] as const;

/** What is committed without waiting for the disk is there after three rounds of the server's writer, milliseconds. */
const DURABLE_AFTER_MS = 600;

const UUID = '00000000-0000-4000-8000-000000000000';
const PLACES = 12;

/** The outbox and its dead letters, and the relay's statements over them. What SQL promises, not how it gets there. */
export class OutboxSide {
  readonly events = new MemoryTable<OutboxEvent>('events');
  readonly outbox = new MemoryTable<Waiting>('outbox');
  readonly letters = new MemoryTable<Letter>('outbox_dead_letters');
  epoch = 1;
  private readonly timed = new WeakSet<Transaction>();
  private placed = 0;
  /** How to undo what relays have done and the disk may not have, the oldest first. */
  private unflushed: { readonly at: number; readonly undo: () => void }[] = [];

  constructor(
    statements: Statements,
    private readonly options: OutboxSideOptions,
  ) {
    const heard =
      (statement: Statement): Statement =>
      (transaction, values) => {
        options.advisory.heard(transaction.holder);
        return statement(transaction, values);
      };
    statements
      .text(
        /^SELECT 1$/,
        heard(() => ({ columns: [['one', 'int4']], rows: [[1]] })),
      )
      .text(/^SET LOCAL statement_timeout/, (transaction) => {
        this.timed.add(transaction);
        return {};
      })
      .name(
        'tidemark-outbox-transaction-id',
        heard(() => ({ columns: [['id', 'text']], rows: [[options.takeTransactionId()]] })),
      )
      .name('tidemark-outbox-sound', heard(this.sound.bind(this)))
      .name('tidemark-outbox-read', heard(this.read.bind(this)))
      .name('tidemark-outbox-remove', heard(this.remove.bind(this)))
      .name('tidemark-outbox-park', heard(this.park.bind(this)));
  }

  /** The server dies: what a relay's session committed (it does not wait for the disk) is lost from some moment on. */
  crash(now: number, random: SeededRandom): void {
    const recent = this.unflushed.filter(({ at }) => now - at < DURABLE_AFTER_MS);
    const lost = recent.slice(random.below(recent.length + 1));
    this.unflushed = [];
    for (const { undo } of lost.reverse()) undo();
  }

  /** Commits events with their rows, at once; the disk has what came before, too. */
  commit(events: readonly OutboxEvent[]): void {
    this.unflushed = [];
    for (const event of events) {
      this.events.rows.set(String(event.position), event);
      this.wait(event);
    }
  }

  /** A dead letter goes back to its old place, or for good. */
  decide(letter: Letter, action: 'release' | 'discard'): void {
    this.unflushed = [];
    this.letters.rows.delete(String(letter.position));
    if (action === 'release') this.wait(letter);
    this.epoch += 1;
  }

  private wait({ position, shard, streamId }: Letter): void {
    this.placed += 1;
    this.outbox.rows.set(String(position), { position, shard, streamId, place: `(0,${this.placed % PLACES})` });
  }

  /** Rows of a shard above a position, whose stream has no dead letter, ascending. */
  private waiting(transaction: Transaction, shard: number, above: number): Waiting[] {
    const held = new Set(transaction.all(this.letters).map(({ streamId }) => streamId));
    return transaction
      .all(this.outbox)
      .filter((row) => row.shard === shard && row.position > above && !held.has(row.streamId))
      .sort((a, b) => a.position - b.position);
  }

  private sound(transaction: Transaction, values: readonly unknown[]): StatementResult {
    if (this.timed.has(transaction) && this.options.looksLong()) {
      throw new SqlError('57014', 'canceling statement due to statement timeout');
    }
    const [shards, floors, epoch] = values as [number[], number[], string | null];
    const newest = Math.max(0, ...transaction.all(this.events).map(({ position }) => position));
    const now = [this.options.oldestTransaction(), newest, this.epoch];
    const rows = shards.map((shard, index) => {
      const [lowest] = this.waiting(transaction, shard, Number(epoch) === this.epoch ? Number(floors[index]) : 0);
      return [...now, shard, lowest?.position ?? null, lowest === undefined ? null : this.ageOf(transaction, lowest)];
    });
    return { columns: SOUND_COLUMNS, rows: rows.length > 0 ? rows : [[...now, null, null, null]] };
  }

  private ageOf(transaction: Transaction, { position }: Waiting): number {
    return transaction.now - (this.events.rows.get(String(position))?.recordedAt ?? transaction.now);
  }

  private read(transaction: Transaction, values: readonly unknown[]): StatementResult {
    const [shards, floors, epoch, limit, bytes] = values as [number[], number[], string | null, number, number];
    const rows = shards.flatMap((shard, index) => {
      let before = 0;
      return this.waiting(transaction, shard, Number(epoch) === this.epoch ? Number(floors[index]) : 0)
        .slice(0, limit)
        .filter(({ position }) => {
          const fits = before < bytes;
          before += this.eventAt(position).data.length;
          return fits;
        });
    });
    return { columns: READ_COLUMNS, rows: rows.sort((a, b) => a.position - b.position).map((row) => this.columnsOf(row)) };
  }

  private columnsOf({ position, shard, streamId, place }: Waiting): unknown[] {
    const { version, eventId, data, recordedAt } = this.eventAt(position);
    const at = new Date(recordedAt).toISOString();
    return [position, shard, streamId, version, eventId, 'OrderPlaced', 1, data, at, at, UUID, UUID, 'shop', null, null, place];
  }

  private remove(transaction: Transaction, values: readonly unknown[]): StatementResult {
    const [places, positions] = values as [string, string];
    const at = elementsOf<number>(positions);
    const positionAt = new Map(elementsOf<string>(places).map((place, n) => [place, at[n]]));
    const gone = transaction.all(this.outbox).filter((row) => positionAt.get(row.place) === row.position);
    for (const row of gone) {
      const { position } = row;
      this.unflushed.push({ at: transaction.now, undo: () => this.outbox.rows.set(String(position), row) });
      this.options.onRemoved(this.eventAt(position), transaction.holder);
      transaction.put(this.outbox, String(position), undefined);
    }
    return { count: gone.length };
  }

  private park(transaction: Transaction, values: readonly unknown[]): StatementResult {
    const [shard, position] = values as [number, number];
    const row = transaction.get(this.outbox, String(position));
    if (row?.shard !== shard) return { count: 0 };
    transaction.put(this.outbox, String(position), undefined);
    transaction.put(this.letters, String(position), { position, shard, streamId: row.streamId });
    const undo = (): void => {
      this.letters.rows.delete(String(position));
      this.outbox.rows.set(String(position), row);
    };
    this.unflushed.push({ at: transaction.now, undo });
    return { count: 1 };
  }

  private eventAt(position: number): OutboxEvent {
    const event = this.events.rows.get(String(position));
    if (event === undefined) throw new Error(`the outbox refers to ${position}, where there is no event`);
    return event;
  }
}

/** Of an array as PostgreSQL writes it, quoted texts or numbers. */
const elementsOf = <T>(array: string): T[] => JSON.parse(`[${array.slice(1, -1)}]`) as T[];
