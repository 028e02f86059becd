// Proves: every stream has its topic, and a deployment's prefix is known to the broker alone.
import { describe, expect, it } from 'vitest';

import { BrokerNames, TOPICS, topicOf } from './topics.js';

describe('topics', () => {
  it('gives each aggregate type a topic', () => {
    expect(TOPICS).toEqual({
      order: 'tidemark.order',
      stock: 'tidemark.stock',
      payment: 'tidemark.payment',
      fulfilment: 'tidemark.fulfilment',
    });
    expect(topicOf('stock-85123A')).toBe('tidemark.stock');
    expect(() => topicOf('basket-1')).toThrow(RangeError);
  });

  it('translates names both ways', () => {
    const names = new BrokerNames('blue');
    expect(names.toBroker('tidemark.order')).toBe('blue.order');
    expect(names.fromBroker('blue.order')).toBe('tidemark.order');
    expect(names.group('projector')).toBe('blue.projector');
    expect(() => names.fromBroker('green.order')).toThrow(RangeError);
    expect(() => new BrokerNames('no spaces')).toThrow(RangeError);
  });
});
