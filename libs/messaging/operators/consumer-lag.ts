import type { Logger } from '#platform';
import { Gauge, type Registry } from 'prom-client';

import type { PartitionLag } from '../broker.js';

/** Asking the broker costs a connection: a figure this old is served again. */
const FRESH_MS = 5_000;
/** Readiness has two seconds for everything. */
const PATIENCE_MS = 1_500;

export interface ConsumerLagOptions {
  /** Short name of the app, as in `tidemark_<app>_lag_messages`. */
  readonly app: 'projector' | 'orchestrator';
  readonly read: () => Promise<readonly PartitionLag[]>;
  readonly metrics: Registry;
  readonly logger: Logger;
}

/** Messages a consumer has not committed yet, by topic; for metrics and readiness. */
export class ConsumerLag {
  private known: { readonly at: number; readonly byTopic: ReadonlyMap<string, number> } | undefined;
  private reading: Promise<void> | undefined;

  constructor(private readonly options: ConsumerLagOptions) {
    const byTopic = (): Promise<ReadonlyMap<string, number> | undefined> => this.byTopic();
    new Gauge({
      name: `tidemark_${options.app}_lag_messages`,
      help: `Messages of a topic that the ${options.app} has not committed yet.`,
      labelNames: ['topic'],
      registers: [options.metrics],
      async collect() {
        for (const [topic, lag] of (await byTopic()) ?? []) this.set({ topic }, lag);
      },
    });
  }

  /** Over all topics; null while the broker does not tell. */
  async total(): Promise<number | null> {
    const byTopic = await this.byTopic();
    return byTopic === undefined ? null : [...byTopic.values()].reduce((sum, lag) => sum + lag, 0);
  }

  private async byTopic(): Promise<ReadonlyMap<string, number> | undefined> {
    if (this.known !== undefined && performance.now() - this.known.at < FRESH_MS) return this.known.byTopic;
    this.reading ??= this.refresh().finally(() => (this.reading = undefined));
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS)));
    await Promise.race([this.reading, patience]);
    clearTimeout(timer);
    return this.known !== undefined && performance.now() - this.known.at < 2 * FRESH_MS ? this.known.byTopic : undefined;
  }

  private async refresh(): Promise<void> {
    try {
      const byTopic = new Map<string, number>();
      for (const { topic, lag } of await this.options.read()) byTopic.set(topic, (byTopic.get(topic) ?? 0) + lag);
      this.known = { at: performance.now(), byTopic };
    } catch (err) {
      this.options.logger.warn({ event: 'consumer.lag.unknown', group: this.options.app, err });
    }
  }
}
