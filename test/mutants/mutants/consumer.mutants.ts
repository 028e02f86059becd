import type { Mutant } from '../mutant.js';

const PROCESSOR = 'libs/messaging/batch-processor.ts';
const PROCESSOR_SPEC = 'libs/messaging/batch-processor.spec.ts';
const ENTRIES = 'libs/messaging/batch-entries.ts';
const LETTERS_SPEC = 'libs/messaging/consumer-dead-letters.spec.ts';
const CONSUMER_SPEC = 'libs/messaging/kafkajs/kafkajs-consumer.spec.ts';

const PROCESSED = 'control.processed((entries.at(-1) as BatchEntry).message);';

/** Between the broker and the handlers: nothing skipped, nothing overtaken, poison kept. */
export const CONSUMER_MUTANTS: readonly Mutant[] = [
  {
    name: 'offset-moved-before-the-work',
    mechanism: 'offset commit after the commit of the effects',
    breaks: ['I6'],
    edits: [
      { file: PROCESSOR, search: `      ${PROCESSED}\n`, replace: '' },
      {
        file: PROCESSOR,
        search: '      const outcome = await this.apply(batch, entries, control.signal);',
        replace: `      ${PROCESSED}\n      const outcome = await this.apply(batch, entries, control.signal);`,
      },
    ],
    specs: [PROCESSOR_SPEC],
  },
  {
    name: 'batch-applied-backwards',
    mechanism: 'key order in batches: consumer',
    breaks: ['I5'],
    edits: [
      {
        file: PROCESSOR,
        search: 'return sorted;\n      const discarded',
        replace: 'return { ...sorted, events: sorted.events.toReversed() };\n      const discarded',
      },
    ],
    specs: [PROCESSOR_SPEC],
  },
  {
    name: 'failed-batch-skipped',
    mechanism: 'passing errors are tried again, the offset does not move',
    breaks: ['I6'],
    edits: [
      {
        file: PROCESSOR,
        search: 'if (performance.now() + wait > onTheSpotUntil) return { retryInMs: wait };',
        replace: "if (performance.now() + wait > onTheSpotUntil) return 'done';",
      },
    ],
    specs: [PROCESSOR_SPEC],
  },
  {
    name: 'gap-passed-over',
    mechanism: 'a gap stops its partition',
    breaks: ['I6'],
    edits: [
      {
        file: PROCESSOR,
        search: 'const gap = error instanceof GapError;',
        replace: "const gap = error instanceof GapError;\n        if (gap) return 'done';",
      },
    ],
    specs: [PROCESSOR_SPEC],
    sampled: true,
  },
  {
    name: 'gap-reported-to-nobody',
    mechanism: 'a gap that lasts ends the process',
    breaks: ['I9'],
    edits: [{ file: PROCESSOR, search: 'if (gap) this.judgeGap(error, stall.forMs);', replace: '' }],
    specs: [PROCESSOR_SPEC],
  },
  {
    name: 'poison-thrown-away',
    mechanism: 'poison goes to the dead letters before the offset moves',
    breaks: ['I10'],
    edits: [{ file: PROCESSOR, search: 'if (letters.length === 0) return;', replace: 'if (letters.length >= 0) return;' }],
    specs: [PROCESSOR_SPEC],
  },
  {
    name: 'parked-stream-overtaken',
    mechanism: 'a parked stream holds its followers',
    breaks: ['I10'],
    edits: [{ file: ENTRIES, search: '(held.has(streamId) || parked.has(streamId))', replace: 'held.has(streamId)' }],
    specs: [PROCESSOR_SPEC],
  },
  {
    name: 'poison-overtaken-in-its-batch',
    mechanism: 'a parked stream holds its followers, in the same batch too',
    breaks: ['I10'],
    edits: [{ file: ENTRIES, search: 'if (streamId !== null) held.add(streamId);', replace: '' }],
    specs: [PROCESSOR_SPEC],
  },
  {
    name: 'neighbours-of-poison-skipped',
    mechanism: 'poison holds up its own stream alone',
    breaks: ['I6', 'I10'],
    edits: [{ file: PROCESSOR, search: 'if (events.length > 0) {', replace: 'if (events.length > 0 && letters.length === 0) {' }],
    specs: [PROCESSOR_SPEC],
  },
  {
    name: 'discarded-letter-delivered-again',
    mechanism: 'what an operator discarded stays discarded',
    breaks: ['I10'],
    edits: [{ file: PROCESSOR, search: 'if (discarded.size === 0) return sorted;', replace: 'if (discarded.size >= 0) return sorted;' }],
    specs: [PROCESSOR_SPEC],
  },
  {
    name: 'letter-left-behind-at-a-release',
    mechanism: 'the row of a parked stream is locked by whoever adds a letter or ends the parking',
    breaks: ['I10'],
    edits: [{ file: 'libs/messaging/consumer-dead-letters.ts', search: 'ORDER BY stream_id FOR UPDATE`', replace: 'ORDER BY stream_id`' }],
    specs: [LETTERS_SPEC],
    tests: 'leaves no letter behind',
  },
  {
    name: 'letters-released-in-any-order',
    mechanism: 'released letters go in the order of their stream',
    breaks: ['I5'],
    edits: [
      {
        file: 'libs/messaging/consumer-dead-letters.ts',
        search: 'ORDER BY topic, "partition", consumer_dead_letters."offset" LIMIT $3',
        replace: 'ORDER BY topic, "partition", consumer_dead_letters."offset" DESC LIMIT $3',
      },
    ],
    specs: [LETTERS_SPEC],
  },
  {
    name: 'letter-kept-without-its-copy',
    mechanism: 'letter and its copy on the dead-letter topic, both or none',
    breaks: ['I10'],
    edits: [
      {
        file: 'libs/messaging/consumer-dead-letters.ts',
        search: 'await this.publish(letters);',
        replace: 'void this.publish(letters).catch(() => undefined);',
      },
    ],
    specs: [LETTERS_SPEC],
  },
  {
    name: 'producers-left-open',
    mechanism: 'one dead-letter producer, closed at the end',
    breaks: ['I11'],
    edits: [
      {
        file: 'libs/messaging/batch-consumer.strategy.ts',
        search: 'this.deadLetterProducer ??= this.options.broker',
        replace: 'this.deadLetterProducer = this.options.broker',
      },
    ],
    specs: ['libs/messaging/batch-consumer.strategy.spec.ts'],
    tests: 'makes one producer',
  },
  {
    name: 'wrong-key-let-through',
    mechanism: 'codec: key, subject and topic agree',
    breaks: ['I10'],
    edits: [
      {
        file: 'libs/messaging/cloud-events.codec.ts',
        search: "if (message.key.toString('utf8') !== streamId)",
        replace: "if (message.key.toString('utf8') === '')",
      },
    ],
    specs: ['libs/messaging/cloud-events.codec.spec.ts'],
  },
  {
    name: 'offsets-of-others-committed',
    mechanism: 'an assignment that is over commits nothing',
    breaks: ['I6'],
    edits: [
      {
        file: 'libs/messaging/kafkajs/offset-commits.ts',
        search: 'if (this.newest.get(`${topic}/${partition}`) === offset) this.add(topic, partition, offset);',
        replace: 'if ((this.newest.get(`${topic}/${partition}`) ?? offset) === offset) this.add(topic, partition, offset);',
      },
    ],
    specs: [CONSUMER_SPEC],
  },
  {
    name: 'failed-commit-behind-a-later-one',
    mechanism: 'a commit that failed sets no group back',
    breaks: ['I11'],
    edits: [
      {
        file: 'libs/messaging/kafkajs/offset-commits.ts',
        search: 'if (this.newest.get(`${topic}/${partition}`) === offset) this.add(topic, partition, offset);',
        replace: 'if (this.pending.get(topic)?.has(partition) !== true) this.add(topic, partition, offset);',
      },
    ],
    specs: [CONSUMER_SPEC],
  },
  {
    name: 'membership-outlived',
    mechanism: 'a member that was thrown out works on nothing more',
    breaks: ['I6'],
    edits: [
      {
        file: 'libs/messaging/kafkajs/kafkajs-consumer.ts',
        search: '    this.membershipOver = error;\n    this.membership.abort();',
        replace: '',
      },
    ],
    specs: [CONSUMER_SPEC],
  },
  {
    name: 'dead-connections-kept',
    mechanism: 'a connection that no longer answers is given up',
    breaks: ['I9'],
    edits: [
      {
        file: 'libs/messaging/kafkajs/kafkajs-consumer.ts',
        search: 'consumer.on(events.REQUEST_TIMEOUT, ({ payload }) => this.giveUp(consumer, payload.apiName));',
        replace: '',
      },
    ],
    specs: ['libs/messaging/kafkajs/dead-connection.spec.ts'],
  },
  {
    name: 'failed-join-forgotten',
    mechanism: 'a join that failed is tried again before anything is fetched',
    breaks: ['I9'],
    edits: [
      {
        file: 'libs/messaging/kafkajs/failed-join.patch.ts',
        search: '      failed.add(this);\n',
        replace: '',
      },
    ],
    specs: ['libs/messaging/kafkajs/failed-join.patch.spec.ts'],
  },
  {
    name: 'letters-locked-for-ever',
    mechanism: 'a transaction over dead letters does not outlast its process standing still',
    breaks: ['I9', 'I10'],
    edits: [
      {
        file: 'libs/messaging/consumer-dead-letters.ts',
        search: '; SET LOCAL idle_in_transaction_session_timeout = ${standstillMs}`',
        replace: '`',
      },
    ],
    specs: [LETTERS_SPEC],
    tests: 'loses a stream that it has stood on',
  },
  {
    name: 'releases-without-bound',
    mechanism: 'bounded releases of a consumer',
    breaks: ['I11'],
    edits: [
      {
        file: 'libs/messaging/operators/consumer-operator.ts',
        search: 'const RELEASES_AT_ONCE = 2;',
        replace: 'const RELEASES_AT_ONCE = 200;',
      },
    ],
    specs: ['libs/messaging/operators/consumer-dead-letters.spec.ts'],
    tests: 'no more than two releases',
  },
];
