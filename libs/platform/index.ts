export {
  ConfigError,
  databaseUrl,
  drainMs,
  host,
  httpUrl,
  kafkaBrokers,
  loadConfig,
  logLevel,
  nodeEnv,
  port,
  topicPrefix,
  wholeNumber,
  withFailpoints,
} from './config.js';
export { serveFailpoints } from './failpoint-control.js';
export { createLogger, NestLogger, type Logger, type LoggerOptions } from './logger.js';
export { createPool, ImpatientClient, KEEP_ALIVE, rowTypes, withoutClient, type PoolOptions } from './pool.js';
export {
  PLATFORM_PROBLEMS,
  PROBLEM_CONTENT_TYPE,
  platformProblem,
  ProblemError,
  problemType,
  type ProblemDocument,
  type ProblemMapper,
  type Violation,
} from './problem.js';
export { problemOf } from './known-errors.js';
export { ProblemFilter } from './problem.filter.js';
export type { Answerer } from './answering-adapter.js';
export { apiProblems, PROBLEM_SCHEMA, type ProblemCatalogue } from './api-problems.js';
export { newId } from './new-id.js';
export { validationPipe } from './validation.js';
export { isStorableText } from './json-body.js';
export { createMetrics, looked, setKnown } from './metrics.js';
export { type HealthCheck } from './health.js';
export { Shutdown, type ShutdownStep } from './shutdown.js';
export { runMain, startHttpApp, startWorkerApp, type HttpAppOptions, type RunningApp, type WorkerAppOptions } from './start-app.js';
export { isTransientDatabaseError } from './transient-database-error.js';
export { actorOf, MAX_ACTOR_LENGTH } from './actor.js';
export { DoneBeforeError, OperatorActs, type ActEffect, type NewAct } from './operators/operator-acts.js';
export { OperatorActsModule } from './operators/operator-acts.module.js';
export { actedAnswer, DEFAULT_LIMIT, dryRunAnswer, numberedCursor, requireCriterion, type Matching } from './operators/act-by-filter.js';
export {
  ActByFilterDto,
  ActedByFilterDto,
  Criterion,
  DeadLetterFilterDto,
  DecideDto,
  OriginalBytesDto,
  originalBytes,
  OriginalHeaderDto,
  WaitingSinceFilterDto,
  WholeNumber,
} from './operators/operators.dto.js';
