import type { Producer, ProducerBatch } from 'kafkajs';
import type { Fault, Kernel, SimulatedProcess } from '../kernel/kernel.js';

/** What became of a request at the broker. */
type Fate = 'stored' | 'half stored' | 'lost';

interface OpenRequest {
  readonly process: SimulatedProcess | undefined;
  fail(error: Error): void;
}

const PARTITIONS = 3;

const connectionClosed = (): Error =>
  Object.assign(new Error('Closed connection'), { name: 'KafkaJSConnectionClosedError', retriable: true });
const timedOut = (): Error =>
  Object.assign(new Error('Request Produce timed out'), { name: 'KafkaJSRequestTimeoutError', retriable: true });

/**
 * A topic as producers meet it: their requests arrive late, in part or not at all, are carried out and never answered, and arrive after
 * the producer has given them up and sent the same again.
 */
export class MemoryLog {
  up = true;
  /** Ids of events in the order of their partition. */
  readonly partitions: string[][] = Array.from({ length: PARTITIONS }, () => []);
  private readonly stored = new Set<string>();
  private readonly open = new Set<OpenRequest>();
  private troubled = true;
  private inTransit = 0;

  constructor(private readonly kernel: Kernel) {}

  /** On the broker for good. */
  has(eventId: string): boolean {
    return this.stored.has(eventId);
  }

  /** Requests that may still arrive. */
  get onTheWay(): number {
    return this.inTransit;
  }

  partitionOf(key: string): number {
    return [...key].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % PARTITIONS;
  }

  /** kafkajs's producer, as far as ours uses it. */
  producer(): Producer {
    const ask = (label: string): Promise<void> => this.request(label, () => undefined);
    return {
      connect: () => ask('kafka connect'),
      disconnect: () => Promise.resolve(),
      sendBatch: (batch: ProducerBatch) => this.send(batch),
    } as unknown as Producer;
  }

  processDied(process: SimulatedProcess): void {
    for (const request of this.open) if (request.process === process) this.open.delete(request);
  }

  heal(): void {
    this.up = true;
    this.troubled = false;
  }

  get faults(): Fault[] {
    const { random } = this.kernel;
    return [
      {
        name: 'broker restart',
        weight: 1,
        inject: () => {
          if (!this.up) return undefined;
          this.up = false;
          const ms = random.below(8_000);
          for (const request of this.open) request.fail(connectionClosed());
          this.kernel.schedule('broker starts', undefined, () => void (this.up = true), ms);
          return `for ${ms} ms`;
        },
      },
      {
        name: 'broker connections cut',
        weight: 3,
        inject: () => {
          const count = this.open.size;
          for (const request of this.open) request.fail(connectionClosed());
          return count === 0 ? undefined : `${count} requests`;
        },
      },
    ];
  }

  private async send({ topicMessages = [] }: ProducerBatch): Promise<[]> {
    const messages = topicMessages.flatMap((each) => each.messages);
    const byPartition = new Map<number, string[]>();
    for (const { key, headers } of messages) {
      const partition = this.partitionOf(String(key));
      byPartition.set(partition, [...(byPartition.get(partition) ?? []), String(headers?.['ce_id'])]);
    }
    await this.request('kafka produce', (fate) => {
      for (const [partition, ids] of byPartition) {
        if (fate === 'half stored' && this.kernel.random.chance(0.5)) continue;
        this.partitions[partition]?.push(...ids);
        ids.forEach((id) => this.stored.add(id));
      }
    });
    return [];
  }

  /** Carried out when it arrives, also when its sender no longer waits; answered some time after, if at all. */
  private request(label: string, carryOut: (fate: Fate) => void): Promise<void> {
    const process = this.kernel.current;
    const fate = this.drawFate();
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        if (this.open.delete(request)) this.kernel.schedule(`${label} answered`, process, act, this.delayMs());
      };
      const request: OpenRequest = { process, fail: (error) => settle(() => reject(error)) };
      this.open.add(request);
      this.inTransit += 1;
      const arrive = (): void => {
        this.inTransit -= 1;
        if (!this.up) return request.fail(connectionClosed());
        if (fate === 'lost') return request.fail(timedOut());
        carryOut(fate);
        if (fate === 'half stored') return request.fail(timedOut());
        settle(resolve);
      };
      this.kernel.schedule(`${label} arrives`, undefined, arrive, this.delayMs());
    });
  }

  private drawFate(): Fate {
    const { random } = this.kernel;
    if (!this.troubled || random.chance(0.75)) return 'stored';
    return random.pick(['half stored', 'lost']);
  }

  private delayMs(): number {
    const { random } = this.kernel;
    return this.troubled && random.chance(0.03) ? random.below(10_000) : random.below(4);
  }
}
