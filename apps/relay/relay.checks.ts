import { TOPICS, type BatchProducer, type BrokerAdmin } from '#messaging';
import { SHARD_COUNT, type OutboxBacklog, type OutboxRelay } from '#outbox';
import type { HealthCheck } from '#platform';

export interface RelayChecksOptions {
  readonly relay: Pick<OutboxRelay, 'health'>;
  readonly backlog: Pick<OutboxBacklog, 'held'>;
  readonly producer: Pick<BatchProducer, 'connected'>;
  readonly admin: Pick<BrokerAdmin, 'endOffsets'>;
  /** An older event that nobody has published means that the relays do not keep up. */
  readonly maxAgeMs: number;
}

/** Longer than the longest pause between two tries: a round hangs, and what is known of the outbox is old. */
const MAX_SILENCE_MS = 15_000;

/** What must be true of a relay that does its work: each check throws why it is not. */
export function relayChecks({ relay, backlog, producer, admin, maxAgeMs }: RelayChecksOptions): HealthCheck[] {
  return [
    {
      name: 'database',
      check: () => {
        if (!relay.health().connected) throw new Error('no session with the database');
      },
    },
    {
      name: 'broker',
      check: async () => {
        const { failing } = relay.health();
        if (failing !== null) throw new Error(`rounds fail since ${failing.since}: ${failing.reason}`);
        // The producer connects with the first event; until then the broker must be asked.
        if (!producer.connected) await admin.endOffsets(TOPICS.order);
      },
    },
    {
      name: 'shards',
      check: () => {
        const { shards, shardsOwned, members } = relay.health();
        if (shardsOwned < SHARD_COUNT) throw new Error(`${SHARD_COUNT - shardsOwned} shards have no relay`);
        return { shards, members };
      },
    },
    {
      name: 'outbox',
      check: async () => {
        const { lastPassAt, silentMs, oldestAgeMs } = relay.health();
        if (silentMs === null || silentMs > MAX_SILENCE_MS) throw new Error(`no round since ${lastPassAt ?? 'the start'}`);
        if (oldestAgeMs > maxAgeMs) throw new Error(`an event waits since ${Math.round(oldestAgeMs / 1_000)} s`);
        return { lastPassAt, oldestAgeMs };
      },
    },
    {
      // Poison waits for a person and is no reason to take the relay away: it sends everything else. See docs/adr/0010.
      name: 'deadLetters',
      check: async () => {
        const held = await backlog.held();
        return held.held === 0
          ? { ...held }
          : { ...held, degraded: `${held.held} events wait for an operator and block ${held.streams} streams` };
      },
    },
  ];
}
