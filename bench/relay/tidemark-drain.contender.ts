import { KafkaJsBroker } from '#messaging';
import { OutboxRelay, relayClient, type RelayPass } from '#outbox';
import { createLogger } from '#platform';
import { KafkaPublisher } from '../../apps/relay/kafka-publisher.js';
import type { Contender } from '../harness/contender.js';
import type { DrainLoad, DrainSettings } from './drain-load.js';

/** The relay as its app puts it together. A round ends with the batch in which its events were published and deleted. */
export async function open({ databaseUrl, broker, topicPrefix, backlog }: DrainSettings): Promise<Contender<DrainLoad>> {
  const logger = createLogger({ app: 'relay', level: 'warn' });
  const kafka = new KafkaJsBroker({ brokers: [broker], clientId: 'relay', topicPrefix, logger });
  const producer = await kafka.createProducer();
  let left = backlog;

  const drain = async (events: number): Promise<{ readonly drained: number; readonly ms: number }> => {
    let drained = 0;
    let enough = (): void => undefined;
    const done = new Promise<void>((resolve) => (enough = resolve));
    const onPass = ({ published }: RelayPass): void => {
      drained += published;
      if (drained >= events) enough();
    };
    const relay = new OutboxRelay({ connect: () => relayClient(databaseUrl), publisher: new KafkaPublisher({ producer }), logger, onPass });
    const startedAt = performance.now();
    relay.start();
    await done;
    await relay.stop();
    left -= drained;
    return { drained, ms: performance.now() - startedAt };
  };
  return {
    round: async ({ events }) => {
      const { drained, ms } = await drain(Math.min(events, left));
      return { perSecond: (drained / ms) * 1_000 };
    },
    close: async () => {
      if (left > 0) await drain(left);
      await producer.close();
    },
  };
}
