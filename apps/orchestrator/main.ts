import 'reflect-metadata';
import { BatchConsumerStrategy, ConsumerLag, deadLetterProblem, deadLettersCheck, deadLettersMetrics, KafkaJsBroker } from '#messaging';
import { OutboxNotifier } from '#outbox';
import { createLogger, createMetrics, createPool, OperatorActs, runMain, startWorkerApp, type RunningApp } from '#platform';
import { FulfilmentEngine } from './fulfilment-engine.js';
import { orchestratorConfig } from './orchestrator.config.js';
import { orchestratorMetrics, parkedCheck } from './orchestrator.metrics.js';
import { OrchestratorModule } from './orchestrator.module.js';

const GROUP_ID = 'orchestrator';
/** An action nobody has taken for so long: the saga is not being run. */
const MAX_OVERDUE_SECONDS = 30;

runMain(async () => {
  const config = orchestratorConfig();
  const logger = createLogger({ app: 'orchestrator', level: config.LOG_LEVEL });
  const pool = createPool({ databaseUrl: config.DATABASE_URL, max: 8, app: 'orchestrator', logger });
  const notifier = new OutboxNotifier({ pool, logger });
  const engine = new FulfilmentEngine({ pool, notifier, config, logger });
  const broker = new KafkaJsBroker({ brokers: config.KAFKA_BROKERS, clientId: 'orchestrator', topicPrefix: config.TOPIC_PREFIX, logger });
  let running: RunningApp | undefined;
  const strategy = new BatchConsumerStrategy({
    broker,
    groupId: GROUP_ID,
    pool,
    logger,
    partitionsConsumedConcurrently: 6,
    onFatal: (error) => running?.fail(error),
  });
  const metrics = createMetrics('orchestrator');
  orchestratorMetrics({
    registry: metrics,
    work: engine.work,
    gateway: () => ({ circuit: engine.circuit, actions: engine.dispatcher.size }),
  });
  deadLettersMetrics(strategy.deadLetters, metrics);
  const lag = new ConsumerLag({ app: 'orchestrator', read: () => strategy.lag(), metrics, logger });

  running = await startWorkerApp(
    OrchestratorModule.with({
      runner: engine.runner,
      admission: engine.admission,
      work: engine.work,
      answers: engine.store,
      consumer: strategy,
      acts: new OperatorActs({ pool, app: 'orchestrator' }),
    }),
    {
      name: 'orchestrator',
      description:
        'Runs the fulfilment saga; operators retry, compensate or resolve what is parked, and decide about messages it could not take.',
      version: '1',
      logger,
      port: config.PORT,
      host: config.HOST,
      failpoints: config.FAILPOINTS,
      strategy,
      metrics,
      problems: deadLetterProblem,
      checks: [
        { name: 'database', check: async () => void (await pool.query('SELECT 1')) },
        { name: 'consumer', check: async () => ({ ...(await strategy.check()), lag: await lag.total() }) },
        {
          name: 'saga',
          check: async () => {
            const { open, parked, overdueSeconds } = await engine.work.backlog();
            if (overdueSeconds > MAX_OVERDUE_SECONDS) throw new Error(`actions are overdue by ${Math.round(overdueSeconds)} s`);
            return { open, parked, atGateway: engine.dispatcher.size, gatewayCircuit: engine.circuit };
          },
        },
        parkedCheck(engine.work),
        deadLettersCheck(strategy.deadLetters),
      ],
      stop: [
        {
          name: 'consumer',
          run: async () => {
            const stopped = strategy.stop();
            // Batches that wait for room end now, and come again elsewhere.
            engine.admission.close();
            await stopped;
          },
        },
        { name: 'engine', run: () => engine.stop() },
      ],
      close: [{ name: 'database', run: () => pool.end() }],
      start: async () => engine.start(),
    },
  );
});
