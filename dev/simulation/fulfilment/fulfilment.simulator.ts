import type { Fault, Kernel } from '../kernel/kernel.js';
import { Fleet } from '../kernel/fleet.js';
import { simulationLogger } from '../kernel/simulation-logger.js';
import { defineSimulator, type Simulator, type World } from '../kernel/simulator.js';
import { DeadLetterSide } from '../batch-consumer/dead-letter-side.js';
import { MemoryKafka } from '../kafka/memory-kafka.js';
import { MemoryPostgres } from '../postgres/memory-postgres.js';
import { Statements } from '../postgres/statements.js';
import { orderOf, violations } from './checks.js';
import { EventStoreSide } from './event-store-side.js';
import { MemoryGateway } from './memory-gateway.js';
import { hasEnded } from './money-and-goods.js';
import { startOrchestrator, type OrchestratorOptions, type OrchestratorProcess } from './orchestrator-process.js';
import { OutboxFeed, PARTITIONS } from './outbox-feed.js';
import { Shop } from './shop.js';
import { WorkSide } from './work-side.js';

/** Starts what is under simulation; a spec puts a broken one here. */
export type StartOrchestrator = (options: OrchestratorOptions) => OrchestratorProcess;

const OPERATOR_LOOKS_EVERY_MS = 5_000;

/** Two orchestrators, a shop that trades, and a gateway, database and broker that fail at any step. */
class FulfilmentWorld implements World {
  readonly faultRate = 0.015;
  readonly faultySteps: number;
  readonly settleWithinMs = 900_000;
  private readonly kafka: MemoryKafka;
  private readonly postgres: MemoryPostgres;
  private readonly gateway: MemoryGateway;
  private readonly store: EventStoreSide;
  private readonly work: WorkSide;
  private readonly deadLetters: DeadLetterSide;
  private readonly shop: Shop;
  private readonly feed: OutboxFeed;
  private readonly fleet: Fleet<OrchestratorProcess>;
  private readonly puzzles: string[] = [];

  constructor(
    private readonly kernel: Kernel,
    start: StartOrchestrator,
  ) {
    const statements = new Statements();
    this.store = new EventStoreSide(statements);
    this.work = new WorkSide(statements);
    this.deadLetters = new DeadLetterSide(statements);
    this.postgres = new MemoryPostgres(kernel, statements);
    this.kafka = new MemoryKafka(kernel);
    this.kafka.createTopic('tidemark.order', PARTITIONS);
    this.kafka.createTopic('tidemark.dead-letters', 1);
    this.gateway = new MemoryGateway(kernel);
    this.shop = new Shop(kernel, this.postgres, this.store);
    this.feed = new OutboxFeed(kernel, this.kafka, this.store);
    this.faultySteps = 200 + kernel.random.below(800);
    const { kafka, postgres, gateway } = this;
    this.fleet = new Fleet(kernel, ['orchestrator-1', 'orchestrator-2'], {
      start: (onFatal) => start({ kafka, postgres, gateway, logger: simulationLogger(kernel), onFatal }),
      died: (process) => {
        postgres.processDied(process);
        kafka.processDied(process);
      },
    });
    this.shop.trade();
    this.operatorLooks();
  }

  get faults(): Fault[] {
    return [...this.postgres.faults, ...this.kafka.faults, ...this.gateway.faults, ...this.fleet.faults];
  }

  heal(): void {
    this.postgres.heal();
    this.kafka.heal();
    this.gateway.heal();
    this.fleet.heal();
  }

  settled(): boolean {
    if (this.shop.open > 0 || this.work.work.rows.size > 0 || this.feed.isBehind || this.gateway.onTheWay > 0) return false;
    return this.shop.orderIds.every((orderId) => hasEnded(orderOf(this.store, orderId)));
  }

  check(): string[] {
    const found = [...this.puzzles];
    const letters = [...this.deadLetters.letters.rows.values()];
    found.push(...letters.map(({ streamId, code, reason }) => `${streamId} is among the dead letters: ${code} ${reason}`));
    return this.settled() ? [...found, ...violations(this.shop.orderIds, this.store, this.gateway.book)] : found;
  }

  describe(): string {
    const orders = this.shop.orderIds.map((orderId) => {
      const { order, fulfilment } = orderOf(this.store, orderId);
      return `${orderId.slice(-3)} order ${order.status}, saga ${JSON.stringify(fulfilment)}`;
    });
    const work = JSON.stringify([...this.work.work.rows.values()]);
    return `${orders.join('; ')}; work ${work}; on the way to the gateway ${this.gateway.onTheWay}; shop ${this.shop.open}`;
  }

  /** Somebody looks after what is parked: retries it, or gives it up. */
  private operatorLooks(): void {
    this.kernel.schedule('operator looks', undefined, () => this.decideParked(), OPERATOR_LOOKS_EVERY_MS);
  }

  private decideParked(): void {
    const { random } = this.kernel;
    this.operatorLooks();
    for (const { orderId, correlationId } of this.work.parked) {
      const chosen = this.fleet.pick();
      if (chosen === undefined) return;
      const mode = random.chance(0.3) ? ('retry' as const) : ('compensate' as const);
      const cause = { correlationId, causationId: correlationId, actor: 'operator', traceparent: null };
      this.kernel.schedule(`operator: ${mode}`, chosen.process, () => {
        chosen.app.engine.runner.submit(orderId, { type: 'ResumeFulfilment', mode, reason: 'decided' }, cause).catch((error: Error) => {
          const isUnderstood = (error as { code?: string }).code === 'fulfilment.not-parked' || error.message.includes('shutting down');
          if (!isUnderstood) this.puzzles.push(`an operator was told: ${error.stack}`);
        });
      });
    }
  }
}

export const fulfilmentSimulatorOf = (start: StartOrchestrator): Simulator =>
  defineSimulator(
    'fulfilment',
    'orchestrators run the saga while everything around them fails: money and stock add up, every order ends',
    (kernel) => new FulfilmentWorld(kernel, start),
  );

export const fulfilmentSimulator = fulfilmentSimulatorOf(startOrchestrator);
