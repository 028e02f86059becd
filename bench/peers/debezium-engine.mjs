import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { jarsOf } from '../../dist/dev/maven-jars.js';
import { DEBEZIUM_OUTBOX } from '../../dist/bench/relay/backlog.js';
import pg from 'pg';

const SOURCE = fileURLToPath(new URL('debezium/OutboxToKafka.java', import.meta.url));
const POM = fileURLToPath(new URL('debezium/pom.xml', import.meta.url));
/** Of a whole server, so named after its database. */
const slotOf = ({ pathname }) => `debezium_${pathname.slice(1)}`;

/** Its outbox, and from when on nothing of it is lost: publication and slot. */
export async function prepareOutbox(databaseUrl) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(DEBEZIUM_OUTBOX);
    await client.query('CREATE PUBLICATION dbz_publication FOR TABLE outbox');
    await client.query(`SELECT pg_create_logical_replication_slot('${slotOf(new URL(databaseUrl))}', 'pgoutput')`);
  } finally {
    await client.end();
  }
}

/** Columns that our messages carry as headers. */
const HEADERS = {
  type: 'ce_type',
  aggregateid: 'ce_subject',
  version: 'ce_streamversion',
  schema_version: 'ce_schemaversion',
  occurred_at: 'ce_time',
  recorded_at: 'ce_recordedtime',
  correlation_id: 'ce_correlationid',
  causation_id: 'ce_causationid',
  actor: 'ce_actor',
  command_id: 'ce_commandid',
};

/** `pollMs`, `batch`: what is tuned; all else is as it comes or as its outbox needs it. */
function engineSettings({ databaseUrl, topicPrefix, pollMs, batch }, folder) {
  const url = new URL(databaseUrl);
  const { hostname, port, username, pathname } = url;
  return {
    name: 'outbox',
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'offset.storage': 'org.apache.kafka.connect.storage.FileOffsetBackingStore',
    'offset.storage.file.filename': join(folder, 'offsets'),
    'database.hostname': hostname,
    'database.port': port,
    'database.user': username,
    'database.password': 'trusted',
    'database.dbname': pathname.slice(1),
    'topic.prefix': 'outbox',
    'plugin.name': 'pgoutput',
    'slot.name': slotOf(url),
    'publication.autocreate.mode': 'disabled',
    'snapshot.mode': 'no_data',
    'table.include.list': 'public.outbox',
    'tombstones.on.delete': 'false',
    'max.batch.size': batch,
    'max.queue.size': 2 * batch,
    'poll.interval.ms': pollMs,
    transforms: 'outbox',
    'transforms.outbox.type': 'io.debezium.transforms.outbox.EventRouter',
    'transforms.outbox.route.topic.replacement': `${topicPrefix}.\${routedByValue}`,
    'transforms.outbox.table.fields.additional.placement': Object.entries(HEADERS)
      .map(([column, header]) => `${column}:header:${header}`)
      .join(','),
  };
}

/** As durable as ours: all in-sync replicas, idempotent (which is its default with acks=all). */
const producerSettings = ({ broker }) => ({
  'bootstrap.servers': broker,
  acks: 'all',
  'enable.idempotence': 'true',
  'batch.size': 131_072,
  'linger.ms': 5,
});

const asProperties = (settings) =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

/** The engine in its own process, up and streaming. `tell` gives it a command, `heard` is the next line that begins so. */
export async function startEngine(settings) {
  const jars = await jarsOf('debezium', POM);
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-debezium-'));
  const [engine, producer] = [join(folder, 'engine.properties'), join(folder, 'producer.properties')];
  await writeFile(engine, asProperties(engineSettings(settings, folder)));
  await writeFile(producer, asProperties(producerSettings(settings)));
  // Its figures of itself are warned about a thousand times a second while it is busy.
  const log = ['defaultLogLevel=warn', 'log.io.debezium.metrics=error'].map((each) => `-Dorg.slf4j.simpleLogger.${each}`);
  const child = spawn('java', ['-Xmx1g', ...log, '-cp', `${jars}/*`, SOURCE, engine, producer], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const heard = (beginning) =>
    new Promise((resolve, reject) => {
      const ended = (line) => {
        if (line === undefined || line.startsWith('ended')) reject(new Error(`Debezium ended: ${line ?? ''}`));
        else if (line.startsWith(beginning)) resolve(line);
        else return;
        lines.off('line', ended).off('close', ended);
      };
      lines.on('line', ended).on('close', ended);
    });
  await heard('started');
  return {
    tell: (command) => child.stdin.write(`${command}\n`),
    heard,
    close: async () => {
      const gone = once(child, 'exit');
      child.stdin.end();
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
