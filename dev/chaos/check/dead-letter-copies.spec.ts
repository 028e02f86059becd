/** Proves that a copy on the dead-letter topic is recognised as the original, and one that was changed is not. */
import { expect, inject, it } from 'vitest';
import { DeadLetterPublisher, KafkaJsBroker, type IncomingMessage } from '#messaging';
import { createLogger } from '#platform';
import { uniqueTopicPrefix } from '../../../test/harness/index.js';
import { messageDigest } from '../history/message-digest.js';
import { readDeadLetterCopies } from './dead-letter-copies.js';

const broker = new KafkaJsBroker({
  brokers: inject('kafkaBrokers'),
  clientId: 'spec',
  logger: createLogger({ app: 'spec', level: 'fatal' }),
  topicPrefix: uniqueTopicPrefix(),
});
const bytes = {
  key: Buffer.from('order-p'),
  value: Buffer.from('{"orderId": '),
  headers: { ce_id: Buffer.from('7'), odd: Buffer.of(0xff, 0) },
};
const message: IncomingMessage = { ...bytes, topic: 'tidemark.order', partition: 2, offset: '7' };
const letter = { message, streamId: 'order-p', code: 'value-malformed', reason: 'no JSON' };

it('knows a copy as the original it was made of, whoever made it', async () => {
  const admin = broker.admin();
  await admin.ensureTopics();
  const producer = await broker.createProducer();
  const publish = (group: string, value = bytes.value) =>
    new DeadLetterPublisher(group, async () => producer).publish([{ ...letter, message: { ...message, value } }]);
  await publish('projector');
  await publish('projector');
  await publish('orchestrator');
  await publish('orchestrator', Buffer.from('{"orderId":'));
  const copies = await readDeadLetterCopies(broker);
  const original = messageDigest(bytes);
  expect([...copies.keys()].sort()).toEqual(['orchestrator order/2@7', 'projector order/2@7']);
  expect([...copies.get('projector order/2@7')!]).toEqual([original]);
  expect([...copies.get('orchestrator order/2@7')!].filter((sha256) => sha256 !== original)).toHaveLength(1);
  await Promise.all([producer.close(), admin.close()]);
});
