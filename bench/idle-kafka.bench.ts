/**
 * What an idle process with a producer, a consumer and an admin connection costs, with kafkajs as it is and with our patch.
 * Each contender is a process of its own. Run: `npm run build && node dist/bench/idle-kafka.bench.js [seconds]`; uses KAFKA_BROKERS, or
 * starts a broker of its own.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { stopIdleTimers } from '#messaging';
import kafkajs from 'kafkajs';

import { startKafka, type RunningKafka } from '../dev/kafka.js';
import { freePorts } from '../dev/ports.js';

const WARM_UP_MS = 2_000;
const [role = 'parent', argument = '20'] = process.argv.slice(2);

if (role === 'idle-as-is' || role === 'idle-patched') {
  console.log(await coreShare(role === 'idle-patched', Number(argument)));
  process.exit(0);
}

const seconds = role === 'parent' ? 20 : Number(role);
const scratch = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
let own: RunningKafka | undefined;
if (process.env['KAFKA_BROKERS'] === undefined) {
  const [port = 0, controllerPort = 0] = await freePorts(2);
  own = await startKafka({ dataDir: join(scratch, 'kafka'), port, controllerPort, logFile: join(scratch, 'kafka.log') });
}
const env = { ...process.env, KAFKA_BROKERS: own?.broker ?? process.env['KAFKA_BROKERS'] };
try {
  const measure = async (child: string): Promise<number> => {
    const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(import.meta.url), child, String(seconds)], { env });
    return Number(stdout);
  };
  const asIs = await measure('idle-as-is');
  const patched = await measure('idle-patched');
  const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
  console.log(`idle producer + consumer + admin over ${seconds} s, share of a core:`);
  console.log(`  kafkajs as it is  ${percent(asIs)}`);
  console.log(`  patched           ${percent(patched)}  (${(asIs / patched).toFixed(1)} times less)`);
} finally {
  await own?.stop();
  rmSync(scratch, { recursive: true, force: true });
}

async function coreShare(patched: boolean, forSeconds: number): Promise<number> {
  if (patched) stopIdleTimers();
  const { Kafka, logLevel, Partitioners } = kafkajs;
  const brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',');
  const kafka = new Kafka({ brokers, clientId: 'bench', logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const topic = `bench-idle-${process.pid}`;
  await admin.createTopics({ topics: [{ topic, numPartitions: 12 }], waitForLeaders: false });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic, messages: [{ key: 'a', value: 'b' }] });
  const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 500 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachBatch: () => Promise.resolve() });
  await sleep(WARM_UP_MS);
  const [before, startedAt] = [process.cpuUsage(), performance.now()];
  await sleep(forSeconds * 1_000);
  const { user, system } = process.cpuUsage(before);
  const share = (user + system) / 1_000 / (performance.now() - startedAt);
  await Promise.all([consumer.disconnect(), producer.disconnect()]);
  await admin.deleteTopics({ topics: [topic] });
  await admin.disconnect();
  return share;
}
