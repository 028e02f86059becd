// Proves: only what the broker says about the records themselves counts as poison, however deep kafkajs buries it; and what only says
// that the broker is away or unsettled is known as that.
import { describe, expect, it } from 'vitest';

import { classifySendFailure, isBrokerAway, isUnsettled } from './kafkajs-errors.js';

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

const named = (name: string, cause?: Error): Error => Object.assign(new Error(name, { cause }), { name });

describe('isBrokerAway', () => {
  it('sees through the wrapping, and takes nothing else for it', () => {
    expect(isBrokerAway(named('KafkaJSNonRetriableError', named('KafkaJSGroupCoordinatorNotFound')))).toBe(true);
    expect(isBrokerAway(named('KafkaJSNumberOfRetriesExceeded', named('KafkaJSConnectionError')))).toBe(true);
    expect(isBrokerAway(named('KafkaJSSASLAuthenticationError'))).toBe(false);
    expect(isBrokerAway(new TypeError('x is not a function'))).toBe(false);
  });
});

describe('isUnsettled', () => {
  it('is a cluster without leader or coordinator', () => {
    expect(isUnsettled(wrapped('NOT_LEADER_FOR_PARTITION'))).toBe(true);
    expect(isUnsettled(named('KafkaJSGroupCoordinatorNotFound'))).toBe(true);
    expect(isUnsettled(wrapped('TOPIC_AUTHORIZATION_FAILED'))).toBe(false);
  });
});
