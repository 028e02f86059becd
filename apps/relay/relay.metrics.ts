import type { OutboxBacklog, OutboxRelay, RelayPass } from '#outbox';
import { looked, setKnown } from '#platform';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface RelayMetricsOptions {
  readonly registry: Registry;
  readonly backlog: Pick<OutboxBacklog, 'measure' | 'held'>;
  readonly relay: () => Pick<OutboxRelay, 'health'>;
}

/** Figures of the relay; answers what is to be called after each round. */
export function relayMetrics({ registry, backlog, relay }: RelayMetricsOptions): (pass: RelayPass) => void {
  const registers = [registry];
  const measured = looked(() => backlog.measure());
  const held = looked(() => backlog.held());
  const published = new Counter({ name: 'tidemark_relay_published_total', help: 'Events acknowledged by the broker.', registers });
  const parked = new Counter({ name: 'tidemark_relay_parked_total', help: 'Events this relay moved to the dead letters.', registers });
  new Gauge({
    name: 'tidemark_outbox_dead_letters_held',
    help: 'Events that could not be published and wait for an operator, by reason.',
    labelNames: ['code'],
    registers,
    async collect() {
      const letters = await held();
      this.reset();
      for (const [code, count] of Object.entries(letters?.byCode ?? {})) this.set({ code }, count);
    },
  });
  new Gauge({
    name: 'tidemark_outbox_blocked_seconds',
    help: 'How long the stream that waits longest has been blocked by an event that could not be published.',
    registers,
    async collect() {
      setKnown(this, (await held())?.oldestSeconds);
    },
  });
  const rounds = new Histogram({
    name: 'tidemark_relay_round_seconds',
    help: 'Read, publish and delete of one batch.',
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers,
  });
  const delay = new Histogram({
    name: 'tidemark_relay_delay_seconds',
    help: 'Age of the oldest event of a batch when it was published.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    registers,
  });
  new Gauge({
    name: 'tidemark_relay_shards',
    help: 'Shards of the outbox this relay holds.',
    registers,
    collect() {
      this.set(relay().health().shards.length);
    },
  });
  new Gauge({
    name: 'tidemark_relay_oldest_seconds',
    help: 'Age of the oldest event of the held shards that could be published.',
    registers,
    collect() {
      this.set(relay().health().oldestAgeMs / 1_000);
    },
  });
  new Gauge({
    name: 'tidemark_outbox_oldest_seconds',
    help: 'Age of the oldest event in the outbox that nothing holds back, also while no relay comes to look.',
    registers,
    async collect() {
      setKnown(this, (await measured())?.oldestSeconds);
    },
  });
  new Gauge({
    name: 'tidemark_outbox_backlog',
    help: 'What waits in the outbox: events (counted to 100,000), dead letters, streams held back by them.',
    labelNames: ['what'],
    registers,
    async collect() {
      const waiting = await measured();
      if (waiting === undefined) return this.reset();
      const { rows, deadLetters, heldBackStreams } = waiting;
      this.set({ what: 'events' }, rows);
      this.set({ what: 'dead_letters' }, deadLetters);
      this.set({ what: 'held_back_streams' }, heldBackStreams);
    },
  });
  return (pass) => {
    published.inc(pass.published);
    parked.inc(pass.poison);
    rounds.observe(pass.durationMs / 1_000);
    delay.observe(pass.oldestAgeMs / 1_000);
  };
}
