import { EventStore, GroupCommit, type CommittedBatch } from '#event-store';
import { Fleet } from '../kernel/fleet.js';
import type { Fault, Kernel, SimulatedProcess } from '../kernel/kernel.js';
import { simulationLogger } from '../kernel/simulation-logger.js';
import { defineSimulator, type Simulator, type World } from '../kernel/simulator.js';
import { MemoryPostgres } from '../postgres/memory-postgres.js';
import { SqlError, Statements } from '../postgres/statements.js';
import type { LockHolder } from '../postgres/transaction.js';
import { AppendSide } from './append-side.js';
import { untruths } from './checks.js';
import { Clients, type Try } from './clients.js';

type Store = Pick<EventStore, 'append' | 'heldStreams'>;

interface CommitProcess {
  readonly commits: GroupCommit;
  /** Events it reported as committed. */
  readonly reported: { events: number };
  stop(): Promise<void>;
}

/** Something broken around the store, for a spec. */
export type AroundStore = (store: Store) => Store;

const MOST_QUEUED = 12;

/** Two processes share commits over one database that fails at any step, while somebody holds a stream for long. */
class GroupCommitWorld implements World {
  readonly faultRate = 0.02;
  readonly faultySteps: number;
  readonly settleWithinMs = 120_000;
  private readonly postgres: MemoryPostgres;
  private readonly store: AppendSide;
  private readonly clients: Clients;
  private readonly fleet: Fleet<CommitProcess>;
  private readonly wrong: string[] = [];
  private readonly processOf = new Map<CommitProcess, SimulatedProcess | undefined>();
  private healed = false;

  constructor(
    private readonly kernel: Kernel,
    around: AroundStore,
  ) {
    const statements = new Statements();
    // Mostly short, so that many are told; some long, for what takes its time.
    this.faultySteps = kernel.random.chance(0.1) ? 700 : 60 + kernel.random.below(260);
    this.store = new AppendSide(statements, () => {
      if (!this.healed && kernel.random.chance(0.02)) throw new SqlError('40P01', 'deadlock detected');
    });
    this.postgres = new MemoryPostgres(kernel, statements);
    const { postgres } = this;
    this.fleet = new Fleet(kernel, ['command-api-1', 'command-api-2'], {
      start: () => this.start(around),
      died: (process) => postgres.processDied(process),
    });
    this.clients = new Clients(kernel, this.store, () => this.fleet.pick());
  }

  get faults(): Fault[] {
    const { random } = this.kernel;
    return [
      ...this.postgres.faults,
      ...this.fleet.faults,
      {
        name: 'stream held',
        weight: 4,
        inject: () => {
          const [id] = this.store.streams.rows.size > 0 ? [random.pick([...this.store.streams.rows.keys()])] : [];
          if (id === undefined) return undefined;
          return this.hold(id, random.below(6_000));
        },
      },
    ];
  }

  heal(): void {
    this.healed = true;
    this.postgres.heal();
    this.fleet.heal();
  }

  settled(): boolean {
    return this.clients.done && this.unanswered.length === 0;
  }

  check(): string[] {
    const { tries } = this.clients;
    return [...this.wrong, ...untruths(tries, this.store), ...(this.settled() ? this.unreported() : [])];
  }

  describe(): string {
    return `intents open: ${JSON.stringify(this.clients.open)}; appends unanswered: ${JSON.stringify(this.unanswered.map(({ request }) => request))}`;
  }

  /** Of processes that live. */
  private get unanswered(): Try[] {
    return this.clients.tries.filter(
      ({ process, wasTaken, verdict, error }) => wasTaken && !process.dead && verdict === undefined && error === undefined,
    );
  }

  /** What was committed was reported, so that the relay is woken. */
  private unreported(): string[] {
    return this.fleet.apps.flatMap(({ name, app }) => {
      const process = this.processOf.get(app);
      const own = this.clients.tries.filter((one) => one.process === process && one.verdict?.outcome === 'appended');
      const events = own.reduce((sum, { eventIds }) => sum + eventIds.length, 0);
      return events === app.reported.events ? [] : [`${name} appended ${events} events and reported ${app.reported.events}`];
    });
  }

  private start(around: AroundStore): CommitProcess {
    const pool = this.postgres.pool({ max: 3, app: 'command-api', logger: simulationLogger(this.kernel) });
    const reported = { events: 0 };
    const commits = new GroupCommit({
      store: around(new EventStore({ pool })),
      maxEvents: 8,
      maxRequests: 4,
      maxQueued: MOST_QUEUED,
      inFlight: 2,
      patienceMs: 2_500,
      onCommitted: ({ events }: CommittedBatch) => {
        reported.events += events;
      },
    });
    const process = this.kernel.current;
    const app = {
      commits,
      reported,
      stop: async () => {
        await commits.close();
        // What a process took it answers before it ends. An answer is a turn away.
        await Promise.resolve();
        const left = this.unanswered.filter((one) => one.process === process && one.wasTaken);
        if (left.length > 0) this.wrong.push(`closed with ${left.length} appends unanswered`);
        await pool.end();
      },
    };
    this.processOf.set(app, process);
    return app;
  }

  /** Somebody stands still in a transaction. */
  private hold(id: string, ms: number): string | undefined {
    const holder: LockHolder = { locks: new Set(), awaits: undefined };
    const key = `streams ${id}`;
    if (!this.postgres.locks.take(key, holder)) return undefined;
    const release = (): void => {
      this.postgres.locks.releaseAll(holder);
      this.postgres.wake([key]);
    };
    this.kernel.schedule('stream let go', undefined, release, ms);
    return `${id} for ${ms} ms`;
  }
}

export const groupCommitSimulatorOf = (around: AroundStore): Simulator =>
  defineSimulator(
    'group-commit',
    'callers share commits while connections die: every append gets one verdict, and a true one; all of it is done or nothing',
    (kernel) => new GroupCommitWorld(kernel, around),
  );

export const groupCommitSimulator = groupCommitSimulatorOf((store) => store);
