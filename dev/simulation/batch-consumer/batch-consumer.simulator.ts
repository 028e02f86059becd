import { Fleet } from '../kernel/fleet.js';
import type { Fault, Kernel } from '../kernel/kernel.js';
import { simulationLogger } from '../kernel/simulation-logger.js';
import { defineSimulator, type Simulator, type World } from '../kernel/simulator.js';
import { MemoryKafka } from '../kafka/memory-kafka.js';
import { MemoryPostgres } from '../postgres/memory-postgres.js';
import { Statements } from '../postgres/statements.js';
import { isDone, violations, type Lying } from './checks.js';
import { DeadLetterSide } from './dead-letter-side.js';
import { Operator } from './operator.js';
import { startProjector, type ProjectorOptions, type ProjectorProcess } from './projector-process.js';
import { ReadSide } from './read-side.js';
import { PARTITIONS, tellStories } from './stories.js';

const TOPICS = ['tidemark.order', 'tidemark.stock'];

/** Starts what is under simulation; a spec puts a broken one here. */
export type StartProjector = (options: ProjectorOptions) => ProjectorProcess;

/** Two projectors of one group, whose database, broker and processes die at any step. */
class BatchConsumerWorld implements World {
  readonly faultRate = 0.02;
  readonly faultySteps: number;
  readonly settleWithinMs = 120_000;
  private readonly kafka: MemoryKafka;
  private readonly postgres: MemoryPostgres;
  private readonly readSide: ReadSide;
  private readonly deadLetters: DeadLetterSide;
  private readonly operator: Operator;
  private readonly fleet: Fleet<ProjectorProcess>;
  private readonly records = new Map<string, Lying[]>();
  private readonly seen: string[] = [];
  private readonly unsent: number;
  private sent = 0;

  constructor(
    private readonly kernel: Kernel,
    start: StartProjector,
  ) {
    const statements = new Statements();
    this.readSide = new ReadSide(statements);
    this.deadLetters = new DeadLetterSide(statements);
    this.postgres = new MemoryPostgres(kernel, statements);
    this.kafka = new MemoryKafka(kernel, (_group, partition, offset) => this.committed(partition, Number(offset)));
    this.kafka.createTopic('tidemark.dead-letters', 1);
    for (const topic of TOPICS) {
      this.kafka.createTopic(topic, PARTITIONS);
      for (let partition = 0; partition < PARTITIONS; partition += 1) this.records.set(`${topic}/${partition}`, []);
    }
    this.faultySteps = 200 + kernel.random.below(600);
    this.unsent = this.sendLater();
    const { kafka, postgres } = this;
    this.fleet = new Fleet(kernel, ['projector-1', 'projector-2'], {
      start: (onFatal) => start({ kafka, postgres, logger: simulationLogger(kernel), onFatal }),
      died: (process) => {
        postgres.processDied(process);
        kafka.processDied(process);
      },
    });
    this.operator = new Operator(kernel, this.deadLetters, () => this.fleet.pick());
    this.operator.start();
  }

  get faults(): Fault[] {
    return [...this.postgres.faults, ...this.kafka.faults, ...this.fleet.faults];
  }

  heal(): void {
    this.postgres.heal();
    this.kafka.heal();
    this.fleet.heal();
  }

  settled(): boolean {
    if (this.sent < this.unsent || this.deadLetters.parked.rows.size > 0 || this.operator.busy) return false;
    const { committed } = this.kafka.group('tidemark.projector');
    for (const [partition, { length }] of this.records) if (length > 0 && Number(committed.get(partition) ?? 0) < length) return false;
    return true;
  }

  check(): string[] {
    const records = [...this.records.values()].flat();
    const found = [...this.seen, ...this.operator.puzzles];
    // What has not come to its end yet differs in every table.
    return !this.settled() ? found : [...found, ...violations(records, this.readSide, this.deadLetters)];
  }

  describe(): string {
    const { committed } = this.kafka.group('tidemark.projector');
    const offsets = [...this.records].map(([partition, { length }]) => `${partition} ${committed.get(partition) ?? 0} of ${length}`);
    const parked = [...this.deadLetters.parked.rows.keys()];
    const health = this.fleet.apps.map(({ name, app }) => `${name} ${JSON.stringify(app.strategy.health())}`);
    return `${offsets.join(', ')}; parked: ${parked.join(', ') || 'none'}; ${health.join('; ')}`;
  }

  private sendLater(): number {
    const { kernel } = this;
    const all = tellStories(kernel.random);
    let at = 0;
    all.forEach(() => {
      at += kernel.random.chance(0.5) ? 0 : kernel.random.below(300);
      kernel.schedule(
        'sent',
        undefined,
        () => {
          // In order, whatever the scheduler draws first.
          const { topic, partition, record, ...about } = all[this.sent] as (typeof all)[number];
          this.sent += 1;
          const log = this.records.get(`${topic}/${partition}`) as Lying[];
          log.push({ topic, partition, record, ...about, offset: String(log.length) });
          this.kafka.append(topic, partition, record);
        },
        at,
      );
    });
    return all.length;
  }

  /** At least once: an offset may only be committed when everything before it is done for good. */
  private committed(partition: string, offset: number): void {
    const log = this.records.get(partition) ?? [];
    if (offset > log.length) this.seen.push(`${partition}: offset ${offset} was committed, the partition ends at ${log.length}`);
    for (const record of log.slice(0, offset)) {
      if (!isDone(record, this.readSide, this.deadLetters)) {
        this.seen.push(
          `${partition}: offset ${offset} was committed before ${record.event?.streamId ?? 'poison'}@${record.offset} was done`,
        );
      }
    }
  }
}

export const batchConsumerSimulatorOf = (start: StartProjector): Simulator =>
  defineSimulator(
    'batch-consumer',
    'projectors consume while sessions, servers and processes die: nothing lost, doubled, skipped or stuck',
    (kernel) => new BatchConsumerWorld(kernel, start),
  );

export const batchConsumerSimulator = batchConsumerSimulatorOf(startProjector);
