import type { Mutant } from '../mutant.js';

const PUBLISHER = 'apps/relay/kafka-publisher.ts';
const PUBLISHER_SPEC = 'apps/relay/kafka-publisher.spec.ts';
const PRODUCER = 'libs/messaging/kafkajs/kafkajs-producer.ts';
const PRODUCER_SPEC = 'libs/messaging/kafkajs/kafkajs-producer.spec.ts';
const BROKER_SPEC = 'libs/messaging/kafkajs/kafkajs-broker.spec.ts';

/** What the producer owes the relay: an honest verdict for each message, and the order of each key. */
export const PUBLISHING_MUTANTS: readonly Mutant[] = [
  {
    name: 'failed-send-taken-for-an-ack',
    mechanism: 'delete after ack: what failed is not published',
    breaks: ['I4'],
    edits: [{ file: PUBLISHER, search: 'failure ??= verdict.error;', replace: 'published.push(row.seq);' }],
    specs: [PUBLISHER_SPEC],
  },
  {
    name: 'unencodable-row-overtaken',
    mechanism: 'key order in batches: a row that cannot be encoded bars its stream',
    breaks: ['I5'],
    edits: [{ file: PUBLISHER, search: 'barred.add(row.streamId);', replace: '' }],
    specs: [PUBLISHER_SPEC],
  },
  {
    name: 'batch-turned-round',
    mechanism: 'key order in batches: producer',
    breaks: ['I5'],
    edits: [{ file: PRODUCER, search: 'else list.push(message);', replace: 'else list.unshift(message);' }],
    specs: [BROKER_SPEC],
    tests: 'producer',
  },
  {
    name: 'rejected-message-overtaken',
    mechanism: 'key order in batches: a rejected message bars its key',
    breaks: ['I5'],
    edits: [
      {
        file: 'libs/messaging/kafkajs/send-call.ts',
        search: 'return index > (this.barredFrom.get(this.keyOf(index)) ?? Infinity);',
        replace: 'return this.barredFrom.get(`${index} of ${this.keyOf(index)}`) !== undefined;',
      },
    ],
    specs: [BROKER_SPEC],
    tests: 'producer',
  },
  {
    name: 'sends-overlap',
    mechanism: 'one outstanding send',
    breaks: ['I5'],
    edits: [
      {
        file: PRODUCER,
        search: 'const sent = this.tail.then(() => this.sendInOrder(messages));',
        replace: 'const sent = this.sendInOrder(messages);',
      },
    ],
    specs: [PRODUCER_SPEC],
    sampled: true,
  },
  {
    name: 'broken-producer-kept',
    mechanism: 'a new producer after a failed send',
    breaks: ['I4'],
    edits: [{ file: PRODUCER, search: '      this.discard();\n      return error;', replace: '      return error;' }],
    specs: [PRODUCER_SPEC],
  },
];
