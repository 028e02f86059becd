import { createPool, ImpatientClient } from '#platform';
import pg from 'pg';
import type { Fault, Kernel, SimulatedProcess } from '../kernel/kernel.js';
import { MemoryConnection } from './memory-connection.js';
import { Session } from './session.js';
import type { Statements } from './statements.js';
import { Locks } from './transaction.js';

type PoolLogger = Parameters<typeof createPool>[0]['logger'];

/**
 * A PostgreSQL of the simulated world: sessions, transactions, locks and their time-outs, and every way of dying on its clients. What SQL
 * means is given by statement (see Statements); tables belong to whoever defines those.
 */
export class MemoryPostgres {
  readonly sessions = new Set<Session>();
  readonly locks = new Locks();
  /** Refuses connections when false. */
  accepting = true;
  /** Called when all sessions have died with it: what was committed without waiting for the disk may be undone here. */
  onShutDown: (() => void) | undefined;
  private slow = false;
  private failures = 0;

  constructor(
    readonly kernel: Kernel,
    readonly statements: Statements,
  ) {}

  /** The pool of the running process: our own one, over pg's own client. */
  pool({ max, app, logger, pipeline }: { max: number; app: string; logger: PoolLogger; pipeline?: boolean }): pg.Pool {
    // oxlint-disable-next-line typescript/no-this-alias
    const server = this;
    class MemoryClient extends ImpatientClient {
      constructor(config: pg.ClientConfig) {
        super({ ...config, connection: new MemoryConnection(server) } as pg.ClientConfig);
      }
    }
    return createPool({ databaseUrl: 'postgres://tidemark@memory/tidemark', max, app, logger, pipeline, Client: MemoryClient });
  }

  /** A client of the running process that is in no pool, not yet connected. */
  client(config: pg.ClientConfig): pg.Client {
    return new pg.Client({ ...config, connection: new MemoryConnection(this) } as pg.ClientConfig);
  }

  accept(connection: MemoryConnection): void {
    if (!this.accepting) {
      const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' });
      connection.deliver('refused', () => connection.finish(refused));
      return;
    }
    const session = new Session(this, connection);
    this.sessions.add(session);
    connection.session = session;
    connection.deliver('connected', () => {
      connection.emit('connect');
      connection.emit('readyForQuery', { status: 'I' });
    });
  }

  /** Its operating system closes its connections; the server notices sooner or later. */
  processDied(process: SimulatedProcess): void {
    for (const session of this.sessions) {
      if (session.connection.process !== process) continue;
      this.kernel.schedule('db client gone', undefined, () => session.close(), this.kernel.random.below(50));
    }
  }

  /** Gives back a session's locks; those who waited for them go on in steps of their own. */
  release(session: Session): void {
    const keys = [...session.locks];
    this.locks.releaseAll(session);
    this.wake(keys);
  }

  /** These locks are free. */
  wake(keys: readonly string[]): void {
    for (const waiter of this.sessions) {
      const { awaits } = waiter;
      if (awaits !== undefined && keys.includes(awaits)) this.kernel.schedule('db lock granted', undefined, () => waiter.resume(awaits));
    }
  }

  /** Immediate shutdown: every session dies, what is not committed is undone. */
  shutDown(): void {
    this.accepting = false;
    const how = this.kernel.random.chance(0.5) ? 'told' : 'cut';
    for (const session of this.sessions) session.terminate(how, '57P01', 'terminating connection due to unexpected postmaster exit');
    this.onShutDown?.();
  }

  startUp(): void {
    this.accepting = true;
  }

  /** What `faults` began ends. */
  heal(): void {
    this.startUp();
    this.slow = false;
    this.failures = 0;
  }

  latencyMs(): number {
    const { random } = this.kernel;
    if (this.slow) return random.below(300);
    return random.chance(0.02) ? random.below(100) : 0;
  }

  /** Whether the statement that comes now is to fail. */
  takeFailure(): boolean {
    if (this.failures === 0) return false;
    this.failures -= 1;
    return true;
  }

  get faults(): Fault[] {
    const { random } = this.kernel;
    return [
      {
        name: 'db session killed',
        weight: 6,
        inject: () => {
          if (this.sessions.size === 0) return undefined;
          const how = random.chance(0.5) ? 'told' : 'cut';
          const session = random.pick([...this.sessions]);
          session.terminate(how);
          return `one of ${this.sessions.size + 1}, ${how}`;
        },
      },
      {
        name: 'db restart',
        weight: 1,
        inject: () => {
          if (!this.accepting) return undefined;
          this.shutDown();
          const ms = random.below(8_000);
          this.kernel.schedule('db starts', undefined, () => this.startUp(), ms);
          return `for ${ms} ms`;
        },
      },
      {
        name: 'db statement fails',
        weight: 3,
        inject: () => {
          this.failures += 1;
          return 'the next one';
        },
      },
      {
        name: 'db slow',
        weight: 1,
        inject: () => {
          if (this.slow) return undefined;
          this.slow = true;
          this.kernel.schedule('db is fast again', undefined, () => void (this.slow = false), 2_000);
          return 'for 2 s';
        },
      },
    ];
  }
}
