// Proves: every spec gets a migrated database of its own, and the shared broker can be spoken to.
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { createTestDatabase, uniqueTopicPrefix } from './harness/index.js';

test('two test databases do not see each other', async () => {
  const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  const [a, b] = [new pg.Client(one.url), new pg.Client(other.url)];
  await Promise.all([a.connect(), b.connect()]);
  await a.query('CREATE TABLE mine (n int)');
  await expect(b.query('SELECT * FROM mine')).rejects.toThrow(/does not exist/);
  await Promise.all([a.end(), b.end()]);
  await Promise.all([one.drop(), other.drop()]);
});

test('topics can be made under a prefix of the spec', async () => {
  const admin = new Kafka({ brokers: inject('kafkaBrokers'), logLevel: logLevel.NOTHING }).admin();
  const topic = `${uniqueTopicPrefix()}.order`;
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true });
  expect(await admin.listTopics()).toContain(topic);
  await admin.disconnect();
});
