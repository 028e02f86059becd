import 'reflect-metadata';
import { KafkaJsBroker } from '#messaging';
import { OutboxBacklog, OutboxDeadLetters, OutboxListener, OutboxRelay, relayClient } from '#outbox';
import { createLogger, createMetrics, createPool, OperatorActs, runMain, startWorkerApp } from '#platform';
import { KafkaPublisher } from './kafka-publisher.js';
import { relayChecks } from './relay.checks.js';
import { relayConfig } from './relay.config.js';
import { relayMetrics } from './relay.metrics.js';
import { RelayModule } from './relay.module.js';

runMain(async () => {
  const config = relayConfig();
  const logger = createLogger({ app: 'relay', level: config.LOG_LEVEL });
  // For operators and health; the relay itself has one connection of its own, which holds its locks.
  const pool = createPool({ databaseUrl: config.DATABASE_URL, max: 2, app: 'relay', logger });
  const broker = new KafkaJsBroker({ brokers: config.KAFKA_BROKERS, clientId: 'relay', topicPrefix: config.TOPIC_PREFIX, logger });
  const producer = await broker.createProducer({ maxMessageBytes: config.RELAY_MAX_MESSAGE_BYTES });
  const admin = broker.admin();
  const acts = new OperatorActs({ pool, app: 'relay' });
  const backlog = new OutboxBacklog({ pool });
  const metrics = createMetrics('relay');
  const onPass = relayMetrics({ registry: metrics, backlog, relay: () => relay });
  const relay: OutboxRelay = new OutboxRelay({
    connect: () => relayClient(config.DATABASE_URL),
    publisher: new KafkaPublisher({ producer }),
    logger,
    batchSize: config.RELAY_BATCH_SIZE,
    pollMs: config.RELAY_POLL_MS,
    onPass: (pass) => {
      onPass(pass);
      logger.debug({ event: 'relay.round.done', ...pass });
    },
  });
  const listener = new OutboxListener({ databaseUrl: config.DATABASE_URL, logger, onWake: () => relay.wake() });

  await startWorkerApp(RelayModule.with({ relay, deadLetters: new OutboxDeadLetters({ pool, acts }), acts }), {
    name: 'relay',
    description: 'Publishes the outbox to Kafka; operators release or discard what could not be sent.',
    version: '1',
    logger,
    port: config.PORT,
    host: config.HOST,
    failpoints: config.FAILPOINTS,
    metrics,
    checks: relayChecks({ relay, backlog, producer, admin, maxAgeMs: config.RELAY_MAX_AGE_S * 1_000 }),
    stop: [
      { name: 'listener', run: () => listener.close() },
      { name: 'relay', run: () => relay.stop() },
    ],
    close: [
      { name: 'producer', run: () => producer.close() },
      { name: 'admin', run: () => admin.close() },
      { name: 'database', run: () => pool.end() },
    ],
    start: async () => {
      listener.start();
      relay.start();
    },
  });
});
