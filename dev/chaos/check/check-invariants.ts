import { upcasters } from '#domain';
import { EventReader, Upcasters } from '#event-store/read';
import { KafkaJsBroker } from '#messaging';
import { createLogger, createPool } from '#platform';
import { PROJECTION_NAMES } from '#read-models';
import { rebuildBeside } from '#read-models/write';
import { PostgresDatabase } from '../../verify/database.js';
import { KafkaTopicRecords } from '../../verify/kafka-topic-records.js';
import type { FaultRecord } from '../history/fault-record.js';
import { readHistory } from '../history/history-reader.js';
import type { ResourceSample } from '../history/resource-sample.js';
import { DEFAULT_BOUNDS, type Bounds } from './bounds.js';
import { readDeadLetterCopies } from './dead-letter-copies.js';
import { GatewayBookFile } from './gateway-book-file.js';
import { HistoryDigest } from './history-digest.js';
import { judgeRun } from './judge-run.js';
import type { InvariantResult } from './invariant-result.js';

export interface CheckOptions {
  /** One file a load process; poison may be in any of them, or in one of its own. */
  readonly historyFile: string | readonly string[];
  /** Past every proxy: these connections must not be cut. */
  readonly databaseUrl: string;
  readonly kafkaBrokers: readonly string[];
  readonly topicPrefix: string;
  /** The gateway's own book, its file. */
  readonly gatewayBook: string;
  readonly faults: readonly FaultRecord[];
  /** Where clients ask each instance, by its name; without them no instance is judged for itself (I12). */
  readonly origins?: Readonly<Record<string, string>>;
  readonly samples: readonly ResourceSample[];
  readonly bounds?: Partial<Bounds>;
  readonly onChecked?: (result: InvariantResult) => void;
  /** What is being done; often. */
  readonly onProgress?: (doing: string) => void;
}

/**
 * Judges a run once it stands still: what clients wrote down, against the event store, the topics from their beginning, a rebuild of
 * every read model, and the gateway's book. Changes nothing that stays.
 */
export async function checkInvariants(options: CheckOptions): Promise<InvariantResult[]> {
  const { databaseUrl, kafkaBrokers, topicPrefix, onProgress = () => undefined } = options;
  const logger = createLogger({ app: 'chaos', level: 'error', destination: { write: (line: string) => void process.stderr.write(line) } });
  onProgress('reading the history');
  const history = await digestOf([options.historyFile].flat());
  const database = new PostgresDatabase(databaseUrl);
  const pool = createPool({ databaseUrl, max: 2, app: 'chaos', logger });
  const source = new EventReader({ pool, upcasters: new Upcasters(upcasters) });
  const broker = new KafkaJsBroker({ brokers: [...kafkaBrokers], clientId: 'chaos', logger, topicPrefix });
  try {
    return await judgeRun({
      history,
      database,
      topics: new KafkaTopicRecords(broker),
      copies: () => readDeadLetterCopies(broker),
      book: () => GatewayBookFile.read(options.gatewayBook),
      projections: PROJECTION_NAMES,
      rebuild: (projection) => rebuildBeside(projection, { databaseUrl, source }),
      faults: options.faults,
      origins: options.origins ?? {},
      samples: options.samples,
      bounds: { ...DEFAULT_BOUNDS, ...options.bounds },
      onChecked: options.onChecked ?? (() => undefined),
      onProgress,
    });
  } finally {
    await Promise.all([database.close(), pool.end()]);
  }
}

export async function digestOf(files: readonly string[]): Promise<HistoryDigest> {
  const digest = new HistoryDigest();
  for (const file of files) for await (const record of readHistory(file)) digest.add(record, file);
  return digest;
}
