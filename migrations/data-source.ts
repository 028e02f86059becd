import { DataSource } from 'typeorm';
import { EventStore1700000000001 } from './1700000000001-event-store.js';
import { Outbox1700000000002 } from './1700000000002-outbox.js';
import { FulfilmentWork1700000000003 } from './1700000000003-fulfilment-work.js';
import { ReadModels1700000000004 } from './1700000000004-read-models.js';
import { Messaging1700000000005 } from './1700000000005-messaging.js';
import { Operators1700000000006 } from './1700000000006-operators.js';
import { WaitingActions1700000000007 } from './1700000000007-waiting-actions.js';

/** In order, by hand: a migration that is not listed does not exist. */
const MIGRATIONS = [
  EventStore1700000000001,
  Outbox1700000000002,
  FulfilmentWork1700000000003,
  ReadModels1700000000004,
  Messaging1700000000005,
  Operators1700000000006,
  WaitingActions1700000000007,
];

/** For migrations alone; the applications have pools and data sources of their own. */
export function migrationDataSource(databaseUrl: string): DataSource {
  return new DataSource({
    type: 'postgres',
    url: databaseUrl,
    applicationName: 'tidemark-migrations',
    // Said outright: for a user named like our schema, the current schema is another one once that exists, and all would run again.
    schema: 'public',
    migrations: MIGRATIONS,
    migrationsTableName: 'tidemark_migrations',
    migrationsTransactionMode: 'each',
    extra: { max: 2 },
  });
}
