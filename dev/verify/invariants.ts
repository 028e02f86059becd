import type { Broker } from '#messaging';
import { PROJECTION_NAMES, type ProjectionName } from '#read-models';
import { checkAcceptedCommands } from './accepted-commands.check.js';
import type { Database } from './database.js';
import type { Invariant } from './finding.js';
import { checkGaplessStreams } from './gapless-streams.check.js';
import type { GatewayBook } from './gateway-book.js';
import { KafkaTopicRecords } from './kafka-topic-records.js';
import { checkMoney } from './money.check.js';
import { OperatorDecisions } from './operator-decisions.js';
import { checkPublishedEvents, checkPublishedOrder, readTopics } from './published-events.check.js';
import type { PublishedStreams } from './published-streams.js';
import { checkReadModels, type Rebuilt } from './read-models.check.js';
import { checkSingleEffects } from './single-effects.check.js';
import { checkStock } from './stock.check.js';

export interface InvariantsOptions {
  readonly database: Database;
  readonly broker: Broker;
  readonly book: GatewayBook;
  rebuild(projection: ProjectionName): Promise<Rebuilt>;
  /** What is being done, and how far it is; often. */
  readonly onProgress: (doing: string) => void;
}

/** Everything that can be seen on a running stack. The topics are read once for I4 and I5. */
export function invariantsOf({ database, broker, book, rebuild, onProgress }: InvariantsOptions): Invariant[] {
  let reading: Promise<PublishedStreams> | undefined;
  const published = (): Promise<PublishedStreams> =>
    (reading ??= OperatorDecisions.of(database).then((decisions) =>
      readTopics(new KafkaTopicRecords(broker), (records) => onProgress(`reading the topics, ${records} records`), decisions),
    ));
  return [
    { id: 'I1', title: 'no accepted command is lost', check: () => checkAcceptedCommands(database) },
    { id: 'I2', title: 'no command takes effect twice', check: () => checkSingleEffects(database) },
    { id: 'I3', title: 'streams have no hole', check: () => checkGaplessStreams(database) },
    { id: 'I4', title: 'every stored event is published', check: async () => checkPublishedEvents(database, await published()) },
    { id: 'I5', title: 'published in order', check: async () => checkPublishedOrder(await published()) },
    { id: 'I6', title: 'read models equal their rebuild', check: () => checkReadModels({ projections: PROJECTION_NAMES, rebuild }) },
    { id: 'I7', title: 'money', check: () => checkMoney(database, book) },
    { id: 'I8', title: 'stock', check: () => checkStock(database) },
  ];
}
