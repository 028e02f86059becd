/** The environment is read once, wholly or not at all, and every problem is told at once without repeating a value. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigError, databaseUrl, host, httpUrl, kafkaBrokers, loadConfig, logLevel, port, topicPrefix, wholeNumber } from './config.js';

const schema = z.object({
  DATABASE_URL: databaseUrl,
  KAFKA_BROKERS: kafkaBrokers,
  PORT: port.default(4001),
  HOST: host,
  LOG_LEVEL: logLevel,
  GATEWAY_URL: httpUrl,
  TOPIC_PREFIX: topicPrefix,
  SIZE: wholeNumber(1, 10).default(5),
});
const good = { DATABASE_URL: 'postgres://u:p@localhost/db', KAFKA_BROKERS: 'a:1, b:2', GATEWAY_URL: 'http://localhost:4006/' };

const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    loadConfig(schema, env);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
};

describe('loadConfig', () => {
  it('answers typed values and defaults, frozen', () => {
    const config = loadConfig(schema, { ...good, LOG_LEVEL: '', UNRELATED: 'x' });
    expect(config).toEqual({
      DATABASE_URL: 'postgres://u:p@localhost/db',
      KAFKA_BROKERS: ['a:1', 'b:2'],
      PORT: 4001,
      HOST: '127.0.0.1',
      LOG_LEVEL: 'info',
      GATEWAY_URL: 'http://localhost:4006',
      TOPIC_PREFIX: 'tidemark',
      SIZE: 5,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('tells every problem at once', () => {
    const problems = problemsOf({
      DATABASE_URL: 'mysql://secret@x',
      KAFKA_BROKERS: 'nowhere',
      PORT: '80o',
      SIZE: '11',
      TOPIC_PREFIX: 'a b',
    });
    expect(problems).toEqual([
      'DATABASE_URL: must be a postgres:// address',
      'KAFKA_BROKERS: must be host:port, separated by commas',
      'PORT: must be a whole number from 0 to 65535',
      'GATEWAY_URL is missing',
      'TOPIC_PREFIX: must be letters, digits, _ or -',
      'SIZE: must be a whole number from 1 to 10',
    ]);
    expect(problems.join()).not.toContain('secret');
  });

  it.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '1e3'],
    ['KAFKA_BROKERS', 'a:1,'],
    ['LOG_LEVEL', 'loud'],
    ['GATEWAY_URL', 'ftp://x'],
    ['DATABASE_URL', 'not an address'],
  ])('refuses %s=%s', (name, value) => {
    expect(problemsOf({ ...good, [name]: value })).toHaveLength(1);
  });
});
