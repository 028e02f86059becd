// Proves: only what the broker says about the records themselves counts as poison, however deep kafkajs buries it.
import { describe, expect, it } from 'vitest';

import { classifySendFailure } from './send-failure.js';

const wrapped = (type: string): Error => Object.assign(new Error('outer'), { cause: Object.assign(new Error('inner'), { type }) });

describe('classifySendFailure', () => {
  it.each([
    ['MESSAGE_TOO_LARGE', 'too-large'],
    ['RECORD_LIST_TOO_LARGE', 'too-large'],
    ['INVALID_RECORD', 'invalid'],
    ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'passing'],
    ['UNKNOWN_PRODUCER_ID', 'passing'],
    ['INVALID_TIMESTAMP', 'passing'],
    ['TOPIC_AUTHORIZATION_FAILED', 'passing'],
  ])('%s is %s', (type, kind) => {
    expect(classifySendFailure(wrapped(type))).toBe(kind);
  });

  it.each([[new Error('ECONNREFUSED')], ['a string'], [undefined]])('anything else is passing', (thrown) => {
    expect(classifySendFailure(thrown)).toBe('passing');
  });
});
