import type { Logger } from '#platform';
import { Fleet } from '../kernel/fleet.js';
import type { Fault, Kernel } from '../kernel/kernel.js';
import { simulationLogger } from '../kernel/simulation-logger.js';
import { defineSimulator, type Simulator, type World } from '../kernel/simulator.js';
import { MemoryPostgres } from '../postgres/memory-postgres.js';
import { Statements } from '../postgres/statements.js';
import type { LockHolder } from '../postgres/transaction.js';
import { AdvisoryLocks } from './advisory-locks.js';
import { MemoryLog } from './memory-log.js';
import { OutboxSide, type Letter, type OutboxEvent } from './outbox-side.js';
import { startRelay, type RelayOptions, type RelayProcess } from './relay-process.js';
import { Writers } from './writers.js';

/** Starts what is under simulation; a spec puts a broken one here. */
export type StartRelay = (options: RelayOptions) => RelayProcess;

const OPERATOR_LOOKS_EVERY_MS = 4_000;

/** Two relays contend for the shards of an outbox that is written all the while; database, broker and processes fail at any step. */
class RelayWorld implements World {
  readonly faultRate = 0.015;
  readonly faultySteps: number;
  readonly settleWithinMs = 120_000;
  private readonly postgres: MemoryPostgres;
  private readonly advisory: AdvisoryLocks;
  private readonly outbox: OutboxSide;
  private readonly log: MemoryLog;
  private readonly writers: Writers;
  private readonly fleet: Fleet<RelayProcess>;
  private readonly discarded = new Set<string>();
  private readonly wrong: string[] = [];
  private healed = false;

  constructor(
    private readonly kernel: Kernel,
    start: StartRelay,
  ) {
    const statements = new Statements();
    const { random } = kernel;
    // Mostly short, so that many are told; some long, for what takes its time.
    this.faultySteps = random.chance(0.1) ? 900 : 60 + random.below(260);
    this.advisory = new AdvisoryLocks(kernel, statements);
    this.outbox = new OutboxSide(statements, {
      advisory: this.advisory,
      oldestTransaction: () => this.writers.oldest,
      takeTransactionId: () => this.writers.takeTransactionId(),
      looksLong: () => !this.healed && random.chance(0.3),
      onRemoved: (event, session) => this.removed(event, session),
    });
    this.postgres = new MemoryPostgres(kernel, statements);
    this.advisory.postgres = this.postgres;
    this.postgres.onShutDown = () => this.outbox.crash(kernel.now, random);
    this.log = new MemoryLog(kernel);
    this.writers = new Writers(kernel, this.outbox, () => this.notify());
    const { postgres, log } = this;
    this.fleet = new Fleet(kernel, ['relay-1', 'relay-2'], {
      start: () => start({ postgres, log, logger: this.watching(simulationLogger(kernel)) }),
      died: (process) => {
        postgres.processDied(process);
        log.processDied(process);
      },
    });
    this.operatorLooks();
  }

  get faults(): Fault[] {
    return [...this.postgres.faults, ...this.log.faults, ...this.fleet.faults];
  }

  heal(): void {
    this.healed = true;
    this.postgres.heal();
    this.log.heal();
    this.fleet.heal();
  }

  settled(): boolean {
    return this.outbox.outbox.rows.size === 0 && this.writers.done && this.outbox.letters.rows.size === 0 && this.log.onTheWay === 0;
  }

  check(): string[] {
    return [...this.wrong, ...this.disorder(), ...(this.settled() ? this.losses() : [])];
  }

  describe(): string {
    const { outbox, letters } = this.outbox;
    return `waiting ${JSON.stringify([...outbox.rows.values()])}; dead letters ${letters.rows.size}; on the way to the broker ${this.log.onTheWay}`;
  }

  private get events(): OutboxEvent[] {
    return [...this.outbox.events.rows.values()].sort((a, b) => a.position - b.position);
  }

  private losses(): string[] {
    const lost = this.events.filter(({ eventId }) => !this.log.has(eventId) && !this.discarded.has(eventId));
    return lost.map(({ streamId, version }) => `${streamId}@${version} was committed and never published`);
  }

  /** First occurrences of a stream's events come in version order; and nothing is there that was not committed. */
  private disorder(): string[] {
    const byId = new Map(this.events.map((event) => [event.eventId, event]));
    const found: string[] = [];
    for (const partition of this.log.partitions) {
      const highest = new Map<string, number>();
      const seen = new Set<string>();
      for (const id of partition) {
        const event = byId.get(id);
        if (event === undefined) found.push(`${id} was published and never committed`);
        if (event === undefined || seen.has(id)) continue;
        seen.add(id);
        const { streamId, version } = event;
        const before = highest.get(streamId) ?? 0;
        if (version < before && !this.discarded.has(id)) found.push(`${streamId}@${version} came first after ${streamId}@${before}`);
        highest.set(streamId, Math.max(before, version));
      }
    }
    return found;
  }

  private removed({ eventId, streamId, version, shard }: OutboxEvent, session: LockHolder): void {
    const what = `${streamId}@${version}`;
    if (!this.log.has(eventId)) this.wrong.push(`${what} was deleted and is not on the broker`);
    if (!this.advisory.holds(shard, session)) this.wrong.push(`${what} was deleted by a session that does not hold shard ${shard}`);
  }

  private notify(): void {
    for (const { app } of this.fleet.apps) if (this.kernel.random.chance(0.7)) app.wake();
  }

  /** Somebody decides what is to become of what could not be sent. */
  private operatorLooks(): void {
    this.kernel.schedule('operator looks', undefined, () => this.decideLetters(), OPERATOR_LOOKS_EVERY_MS);
  }

  private decideLetters(): void {
    this.operatorLooks();
    for (const letter of [...this.outbox.letters.rows.values()]) this.decide(letter);
  }

  private decide(letter: Letter): void {
    const action = this.kernel.random.chance(0.4) ? 'release' : 'discard';
    this.kernel.note(undefined, `operator: ${action} ${letter.streamId} ${letter.position}`);
    if (action === 'discard') this.discarded.add(this.outbox.events.rows.get(String(letter.position))?.eventId ?? '');
    this.outbox.decide(letter, action);
  }

  /** What the relay itself calls impossible is a violation. */
  private watching(logger: Logger): Logger {
    const error = (line: { event?: string }): void => {
      if (line.event === 'relay.floor.hid-rows') this.wrong.push(`a floor hid rows: ${JSON.stringify(line)}`);
      logger.error(line);
    };
    return { ...logger, error } as unknown as Logger;
  }
}

export const relaySimulatorOf = (start: StartRelay): Simulator =>
  defineSimulator(
    'relay',
    'relays contend for the shards of the outbox: nothing is lost, a stream keeps its order, no row goes before it is on the broker',
    (kernel) => new RelayWorld(kernel, start),
  );

export const relaySimulator = relaySimulatorOf(startRelay);
