// Proves: kafkajs's everyday complaints do not alarm anyone, what is notable is seen, and no payload gets into the log.
import kafkajs from 'kafkajs';
import { describe, expect, it } from 'vitest';

import { recordingLogger } from '../testing/samples.js';
import { kafkaJsLog } from './kafkajs-log.js';

const { logLevel } = kafkajs;

function logged(level: number, message: string, extra: object = {}) {
  const logger = recordingLogger();
  const log = { timestamp: '', message, ...extra };
  kafkaJsLog(logger)(level)({ namespace: 'Connection', level, label: '', log });
  return logger.lines[0];
}

describe('kafkajs log', () => {
  it.each([
    ['Response FindCoordinator(key: 10, version: 2)', 'The group coordinator is not available'],
    ['Response InitProducerId(key: 22, version: 1)', "The coordinator is loading and hence can't process requests for this group"],
    ['Response Heartbeat(key: 12, version: 3)', 'The group is rebalancing, so a rejoin is needed'],
    ['Response Produce(key: 0, version: 7)', 'This server is not the leader for that topic-partition'],
  ])('%s: %s is normal life', (message, error) => {
    expect(logged(logLevel.ERROR, message, { error })).toMatchObject({
      level: 'debug',
      event: 'kafka.client',
      detail: `${message}: ${error}`,
    });
  });

  it('keeps single failed tries at debug; who gives up says so himself', () => {
    expect(logged(logLevel.ERROR, 'Connection error: connect ECONNREFUSED 127.0.0.1:9092')).toMatchObject({ level: 'debug' });
    expect(logged(logLevel.WARN, 'Limiting retries for the idempotent producer may invalidate EoS guarantees')).toMatchObject({
      level: 'debug',
    });
    expect(logged(logLevel.INFO, 'Consumer has joined the group')).toMatchObject({ level: 'debug' });
  });

  it('shows the rest as a warning, without stacks or payloads', () => {
    const line = logged(logLevel.ERROR, 'Offset out of range, resetting to default offset', {
      topic: 'tidemark.order',
      partition: 3,
      groupId: 'g',
      stack: 'Error: at …',
      payload: { type: 'Buffer', data: [1, 2] },
    });
    expect(line).toEqual({
      level: 'warn',
      event: 'kafka.client',
      namespace: 'Connection',
      detail: 'Offset out of range, resetting to default offset',
      topic: 'tidemark.order',
      partition: 3,
      groupId: 'g',
    });
  });
});
