import type { Fault, Kernel, SimulatedProcess } from '../kernel/kernel.js';
import { GroupCoordinator, type Reply } from './group-coordinator.js';
import { connectionClosed, connectionRefused } from './kafkajs-internals.js';

export interface StoredRecord {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | string | Buffer[]>>;
}

interface OpenRequest {
  readonly process: SimulatedProcess | undefined;
  fail(error: Error): void;
}

/** A Kafka of the simulated world: partitions that only grow, a coordinator for each group, requests that reach it or do not. */
export class MemoryKafka {
  up = true;
  private readonly topics = new Map<string, StoredRecord[][]>();
  private readonly groups = new Map<string, GroupCoordinator>();
  private readonly open = new Set<OpenRequest>();
  private waiters: (() => void)[] = [];

  constructor(
    readonly kernel: Kernel,
    /** Sees every offset a group commits: `<topic>/<partition>`. */
    private readonly onCommit: (group: string, partition: string, offset: string) => void = () => undefined,
  ) {}

  createTopic(topic: string, partitions: number): void {
    this.topics.set(
      topic,
      Array.from({ length: partitions }, () => []),
    );
  }

  partitions(topic: string): readonly (readonly StoredRecord[])[] {
    return this.topics.get(topic) ?? [];
  }

  append(topic: string, partition: number, record: Omit<StoredRecord, 'offset'>): void {
    const log = this.topics.get(topic)?.[partition];
    if (log === undefined) throw new Error(`there is no ${topic}[${partition}]`);
    log.push({ ...record, offset: String(log.length) });
    this.waiters.splice(0).forEach((look) => look());
  }

  group(groupId: string): GroupCoordinator {
    let group = this.groups.get(groupId);
    if (group === undefined) {
      group = new GroupCoordinator(this.kernel, (partition, offset) => this.onCommit(groupId, partition, offset));
      this.groups.set(groupId, group);
    }
    return group;
  }

  /** A request of the running process: served when it arrives, answered some time after that. Fails when the broker is or goes away. */
  ask<T>(label: string, serve: (reply: Reply<T>) => void): Promise<T> {
    const process = this.kernel.current;
    return new Promise<T>((resolve, reject) => {
      const answer = (settle: () => void): void => {
        if (!this.open.delete(request)) return;
        this.kernel.schedule(`kafka ${label} answered`, process, settle, this.latencyMs());
      };
      const reply: Reply<T> = { resolve: (value) => answer(() => resolve(value)), reject: (error) => answer(() => reject(error)) };
      const request: OpenRequest = { process, fail: (error) => reply.reject(error) };
      this.open.add(request);
      const arrive = (): void => {
        if (!this.open.has(request)) return;
        if (!this.up) return reply.reject(connectionRefused());
        try {
          serve(reply);
        } catch (error) {
          reply.reject(error as Error);
        }
      };
      this.kernel.schedule(`kafka <- ${label}`, undefined, arrive, this.latencyMs());
    });
  }

  /** Calls back when something new was appended anywhere. */
  whenAppended(look: () => void): void {
    this.waiters.push(look);
  }

  /** What it waits for can no longer be answered. What it sent may still be carried out. */
  processDied(process: SimulatedProcess): void {
    for (const request of this.open) if (request.process === process && this.kernel.random.chance(0.5)) this.open.delete(request);
  }

  latencyMs(): number {
    const { random } = this.kernel;
    return random.chance(0.02) ? random.below(500) : 0;
  }

  heal(): void {
    this.up = true;
  }

  get faults(): Fault[] {
    const { random } = this.kernel;
    const goDown = (ms: number): void => {
      this.up = false;
      for (const request of this.open) request.fail(connectionClosed());
      this.kernel.schedule('kafka starts', undefined, () => void (this.up = true), ms);
    };
    return [
      {
        name: 'kafka restart',
        weight: 1,
        inject: () => {
          if (!this.up) return undefined;
          const ms = random.below(8_000);
          goDown(ms);
          return `for ${ms} ms`;
        },
      },
      {
        name: 'kafka connections cut',
        weight: 1,
        inject: () => {
          if (this.open.size === 0) return undefined;
          const count = this.open.size;
          for (const request of this.open) request.fail(connectionClosed());
          return `${count} requests`;
        },
      },
    ];
  }
}
