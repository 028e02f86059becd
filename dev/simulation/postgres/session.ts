import type { Due } from '../kernel/timer-heap.js';
import type { MemoryConnection, ServerQuery } from './memory-connection.js';
import type { MemoryPostgres } from './memory-postgres.js';
import { fieldOf, SqlError, wireText, type StatementResult } from './statements.js';
import { Blocked, Transaction, type LockHolder } from './transaction.js';

/** One session of the server: at most one transaction, and the locks it holds. */
export class Session implements LockHolder {
  readonly locks = new Set<string>();
  awaits: string | undefined;
  closed = false;
  private transaction: Transaction | undefined;
  private pending: { readonly query: ServerQuery; readonly statements: string[]; timeout: Due | undefined } | undefined;
  /** Came while another was under way: a pipeline. */
  private readonly waiting: ServerQuery[] = [];
  private idle: Due | undefined;

  constructor(
    private readonly server: MemoryPostgres,
    readonly connection: MemoryConnection,
  ) {}

  get inTransaction(): boolean {
    return this.transaction !== undefined;
  }

  receive(query: ServerQuery): void {
    if (this.closed) return;
    if (this.pending !== undefined) return void this.waiting.push(query);
    if (this.idle !== undefined) this.idle.cancelled = true;
    const statements = query.name === undefined && query.values.length === 0 ? split(query.text) : [query.text];
    this.pending = { query, statements, timeout: undefined };
    this.advance();
  }

  /** Runs on, after a lock it waited for may have become free. */
  resume(key: string): void {
    if (!this.closed && this.awaits === key) this.advance();
  }

  /** The session ends by the server's will: what was not committed is undone, and the client is told, or finds the connection cut. */
  terminate(how: 'told' | 'cut', code = '57P01', message = 'terminating connection due to administrator command'): void {
    if (this.closed) return;
    this.close();
    const { connection } = this;
    if (how === 'cut') {
      connection.cut();
      const error = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
      connection.deliver('reset', () => connection.finish(error));
      return;
    }
    const fatal = Object.assign(new Error(message), { code, severity: 'FATAL' });
    connection.deliver(`fatal ${code}`, () => connection.emit('errorMessage', fatal));
    connection.deliver('end', () => connection.finish());
  }

  /** Undoes what is not committed. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.disarm();
    this.transaction = undefined;
    this.awaits = undefined;
    this.server.release(this);
    this.server.sessions.delete(this);
  }

  private advance(): void {
    const { pending } = this;
    if (pending === undefined) return;
    this.awaits = undefined;
    const results: [string, StatementResult][] = [];
    try {
      if (this.server.takeFailure()) throw new SqlError('53200', 'out of memory');
      while (pending.statements.length > 0) {
        const text = pending.statements[0] as string;
        const command = this.transaction?.failed === true && commandOf(text) === 'COMMIT' ? 'ROLLBACK' : commandOf(text);
        results.push([command, this.execute(text, pending.query)]);
        pending.statements.shift();
      }
      this.answer(results);
    } catch (error) {
      if (error instanceof Blocked) this.wait(error);
      else this.fail(error);
    }
  }

  private execute(text: string, { name, values }: ServerQuery): StatementResult {
    const command = text.toUpperCase();
    if (/^BEGIN\b/.test(command)) {
      this.transaction ??= this.begin();
      return {};
    }
    if (command === 'COMMIT' || command === 'ROLLBACK') {
      if (command === 'COMMIT' && this.transaction?.failed === false) this.transaction.commit();
      this.transaction = undefined;
      this.server.release(this);
      return {};
    }
    if (this.transaction?.failed === true) {
      throw new SqlError('25P02', 'current transaction is aborted, commands ignored until end of transaction block');
    }
    const statement = this.server.statements.find(name, text);
    if (this.transaction !== undefined) return statement(this.transaction, values);
    const own = this.begin();
    const result = statement(own, values);
    own.commit();
    this.server.release(this);
    return result;
  }

  private begin(): Transaction {
    return new Transaction(this.server.locks, this, () => this.server.kernel.now);
  }

  private wait({ key, limitMs }: Blocked): void {
    const { server, pending } = this;
    if (server.locks.wouldDeadlock(key, this)) return this.fail(new SqlError('40P01', 'deadlock detected'));
    this.awaits = key;
    if (limitMs === 0 || pending === undefined || pending.timeout !== undefined) return;
    pending.timeout = server.kernel.schedule(
      'db lock timeout',
      undefined,
      () => {
        if (this.pending === pending && this.awaits !== undefined)
          this.fail(new SqlError('55P03', 'canceling statement due to lock timeout'));
      },
      limitMs,
    );
  }

  private fail(error: unknown): void {
    this.disarm();
    this.awaits = undefined;
    if (this.transaction === undefined) this.server.release(this);
    else this.transaction.failed = true;
    const message = error instanceof SqlError ? error : Object.assign(error as Error, { code: 'XX000' });
    this.reply(`error ${message.code}`, () => this.connection.emit('errorMessage', message));
  }

  private answer(results: readonly [string, StatementResult][]): void {
    this.disarm();
    this.reply('answer', () => {
      const { connection } = this;
      for (const [command, { columns = [], rows = [], count }] of results) {
        if (columns.length > 0) {
          connection.emit('rowDescription', { fields: columns.map(fieldOf) });
          for (const row of rows) connection.emit('dataRow', { fields: columns.map(([, type], index) => wireText(row[index], type)) });
        }
        connection.emit('commandComplete', { text: `${command} ${count ?? rows.length}` });
      }
    });
  }

  private reply(label: string, message: () => void): void {
    this.pending = undefined;
    const { connection, transaction } = this;
    connection.deliver(label, () => {
      message();
      connection.emit('readyForQuery', { status: transaction === undefined ? 'I' : 'T' });
    });
    const next = this.waiting.shift();
    if (next !== undefined) return this.receive(next);
    if (transaction === undefined || transaction.idleTimeoutMs === 0) return;
    this.idle = this.server.kernel.schedule(
      'db idle in transaction timeout',
      undefined,
      () => this.terminate('told', '25P03', 'terminating connection due to idle-in-transaction timeout'),
      transaction.idleTimeoutMs,
    );
  }

  private disarm(): void {
    if (this.pending?.timeout !== undefined) this.pending.timeout.cancelled = true;
    if (this.idle !== undefined) this.idle.cancelled = true;
  }
}

const split = (text: string): string[] =>
  text
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');

const commandOf = (text: string): string => /^\w+/.exec(text.trimStart())?.[0]?.toUpperCase() ?? '';
