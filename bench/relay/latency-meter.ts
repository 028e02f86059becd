import { TOPICS } from '#messaging';
import kafkajs from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import { latencyOf, type Measure } from '../harness/contender.js';
import type { Place } from './published.js';

// A CommonJS module: Node finds no named exports of classes in it.
const { Kafka, logLevel } = kafkajs;

export interface LatencyLoad {
  /** Events each second, whether the ones before have arrived or not. */
  readonly perSecond: number;
  readonly ms: number;
}

/** Commits one event and says when that was acknowledged, by `performance.now()`. */
export type Commit = (id: string) => Promise<number>;

/** How long after the last commit its record may come, milliseconds. */
const ARRIVES_WITHIN_MS = 30_000;

/** A plain kafkajs consumer of all topics, which knows when each record could be read. It shares its clock with whoever commits. */
export class LatencyMeter {
  readonly #arrivedAt = new Map<string, number>();

  private constructor(private readonly consumer: kafkajs.Consumer) {}

  /** @param header that carries the event's id */
  static async open({ broker, topicPrefix }: Place, header: string): Promise<LatencyMeter> {
    const consumer = new Kafka({ brokers: [broker], clientId: 'meter', logLevel: logLevel.NOTHING }).consumer({
      groupId: `${topicPrefix}.latency`,
      maxWaitTimeInMs: 500,
    });
    const meter = new LatencyMeter(consumer);
    await consumer.connect();
    await consumer.subscribe({
      topics: Object.values(TOPICS).map((topic) => topic.replace('tidemark', topicPrefix)),
      fromBeginning: true,
    });
    await consumer.run({
      // Otherwise kafkajs commits after the records of each partition and only then hands over those of the next, which were readable all along.
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const now = performance.now();
        for (const { headers } of batch.messages) meter.#arrived(String(headers?.[header]), now);
      },
    });
    return meter;
  }

  /** Commits at a steady pace and waits until each record has come. @throws Error when one does not come */
  async measure({ perSecond, ms }: LatencyLoad, commit: Commit): Promise<Measure> {
    const commits: Promise<{ readonly id: string; readonly at: number }>[] = [];
    const startedAt = performance.now();
    for (let elapsed = 0; elapsed < ms; elapsed = performance.now() - startedAt) {
      while (commits.length < (elapsed / 1_000) * perSecond) {
        const id = crypto.randomUUID();
        commits.push(commit(id).then((at) => ({ id, at })));
      }
      await delay(1);
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    const committed = await Promise.all(commits);
    const giveUpAt = performance.now() + ARRIVES_WITHIN_MS;
    while (this.#arrivedAt.size < committed.length) {
      if (performance.now() > giveUpAt)
        throw new Error(`${committed.length - this.#arrivedAt.size} of ${committed.length} records did not come`);
      await delay(5);
    }
    const times = committed.map(({ id, at }) => Math.max(0, this.#arrivedAt.get(id)! - at));
    this.#arrivedAt.clear();
    return { perSecond: committed.length / seconds, latency: latencyOf(times) };
  }

  close(): Promise<void> {
    return this.consumer.disconnect();
  }

  /** The first time counts: delivery is at least once. */
  #arrived(id: string, at: number): void {
    if (!this.#arrivedAt.has(id)) this.#arrivedAt.set(id, at);
  }
}
