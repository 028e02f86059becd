import { BatchConsumerStrategy, ConsumerLag, deadLetterProblem, deadLettersCheck, deadLettersMetrics, KafkaJsBroker } from '#messaging';
import { createMetrics, createPool, OperatorActs, startWorkerApp, type Logger, type RunningApp } from '#platform';
import type { ProjectorConfig } from './projector.config.js';
import { ProjectorModule } from './projector.module.js';
import { Projector } from './projector.js';

const GROUP_ID = 'projector';
/** Three topics of twelve partitions: a partition that waits for its lane must not keep another from being fetched. */
const PARTITIONS_AT_ONCE = 36;

export interface ProjectorAppOptions {
  readonly config: ProjectorConfig;
  readonly logger: Logger;
  /** False where a test owns the process. */
  readonly handleSignals?: boolean;
  /** The consumer cannot go on; by default the process ends in order with code 1. */
  readonly onFatal?: (error: Error) => void;
}

export async function startProjector({ config, logger, handleSignals, onFatal }: ProjectorAppOptions): Promise<RunningApp> {
  const pool = createPool({ databaseUrl: config.DATABASE_URL, max: 8, app: 'projector', logger, pipeline: true });
  const broker = new KafkaJsBroker({ brokers: config.KAFKA_BROKERS, clientId: 'projector', topicPrefix: config.TOPIC_PREFIX, logger });
  const metrics = createMetrics('projector');
  const projector = new Projector({ pool, logger, metrics });
  let running: RunningApp | undefined;
  const strategy = new BatchConsumerStrategy({
    broker,
    groupId: GROUP_ID,
    pool,
    logger,
    partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
    onFatal: (error) => (onFatal === undefined ? running?.fail(error) : onFatal(error)),
  });
  const lag = new ConsumerLag({ app: 'projector', read: () => strategy.lag(), metrics, logger });
  deadLettersMetrics(strategy.deadLetters, metrics);
  const acts = new OperatorActs({ pool, app: 'projector' });
  running = await startWorkerApp(ProjectorModule.with({ projector, consumer: strategy, acts }), {
    name: 'projector',
    description: 'Turns events into read models; operators decide about messages that no read model could take.',
    version: '1',
    logger,
    port: config.PORT,
    host: config.HOST,
    failpoints: config.FAILPOINTS,
    strategy,
    metrics,
    handleSignals,
    problems: deadLetterProblem,
    checks: [
      { name: 'database', check: async () => void (await pool.query('SELECT 1')) },
      { name: 'consumer', check: async () => ({ ...(await strategy.check()), lag: await lag.total(), failures: projector.failures }) },
      deadLettersCheck(strategy.deadLetters),
    ],
    stop: [{ name: 'consumer', run: () => strategy.stop() }],
    close: [{ name: 'database', run: () => pool.end() }],
  });
  return running;
}
