import type { EventEmitter } from 'node:events';
import { DataSource, QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError, type EntityManager } from 'typeorm';
import { ImpatientClient, KEEP_ALIVE, withoutClient, type Logger } from '#platform';
import { READ_MODEL_ENTITIES, type ProjectionName } from '#read-models';
import { tablesOfAll } from './projections.js';

export interface ReadDatabaseOptions {
  readonly databaseUrl: string;
  readonly poolSize: number;
  /** Milliseconds a statement may take before PostgreSQL ends it (answered as 503 `query-timeout`). */
  readonly statementTimeoutMs: number;
  readonly logger: Logger;
}

/** For the server's word that a statement took too long to arrive, milliseconds. */
const ANSWER_WITHIN_MS = 5_000;

/** TypeORM over the read side. Never migrates, never synchronizes, never writes: its sessions are read-only. */
export function readDataSource({ databaseUrl, poolSize, statementTimeoutMs, logger }: ReadDatabaseOptions): DataSource {
  return new DataSource({
    type: 'postgres',
    url: databaseUrl,
    entities: READ_MODEL_ENTITIES,
    poolSize,
    applicationName: 'tidemark-query-api',
    synchronize: false,
    logging: false,
    installExtensions: false,
    poolErrorHandler: (err: unknown) => logger.warn({ event: 'database.connection.lost', err: withoutClient(err) }),
    extra: {
      // Between two statements of a transaction nobody listens, and an error that nobody hears ends the process. Whoever holds the
      // connection learns of its death from the next statement.
      onConnect: (client: EventEmitter) => void client.on('error', () => undefined),
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: 60_000,
      // The server ends a slow statement itself; whoever does not even say so is not there.
      query_timeout: statementTimeoutMs + ANSWER_WITHIN_MS,
      Client: ImpatientClient,
      ...KEEP_ALIVE,
      options: `-c timezone=UTC -c default_transaction_read_only=on -c statement_timeout=${statementTimeoutMs}`,
    },
  });
}

const DEADLOCK_DETECTED = '40P01';

/**
 * Several statements that must show one state of their tables, also while a rebuild swaps them: the tables are locked (ACCESS SHARE:
 * only the swap itself has to wait) before the snapshot is taken. Without the lock a snapshot older than the swap would find the new
 * tables, and most of their rows invisible.
 * Locked in the order in which a swap locks them; should a deadlock or a cut connection end us all the same, we try once more.
 */
export async function readTogether<T>(
  dataSource: DataSource,
  projections: readonly ProjectionName[],
  read: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  const attempt = () =>
    dataSource.transaction('REPEATABLE READ', async (manager) => {
      await manager.query(`LOCK TABLE ${tablesOfAll(projections).join(', ')} IN ACCESS SHARE MODE`);
      return read(manager);
    });
  try {
    return await attempt();
  } catch (error) {
    if ((error as { code?: unknown }).code === DEADLOCK_DETECTED || isLostConnection(error)) return attempt();
    throw error;
  }
}

/** TypeORM gives a connection back as soon as it dies; what a transaction still asks of it then fails like this. */
export const isLostConnection = (error: unknown): boolean =>
  error instanceof QueryRunnerAlreadyReleasedError || error instanceof QueryRunnerProviderAlreadyReleasedError;
