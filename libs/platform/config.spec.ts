/** The environment is read once, wholly or not at all, and every problem is told at once without repeating a value. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  ConfigError,
  databaseUrl,
  host,
  httpUrl,
  kafkaBrokers,
  loadConfig,
  logLevel,
  port,
  topicPrefix,
  wholeNumber,
  withFailpoints,
} from './config.js';

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

describe('failpoints', () => {
  const app = withFailpoints(z.object({ PORT: port }));
  const problems = (env: Record<string, string>): readonly string[] => {
    try {
      loadConfig(app, env);
      return [];
    } catch (error) {
      return (error as ConfigError).problems;
    }
  };

  it.each([
    [{ PORT: '1' }],
    [{ PORT: '1', FAILPOINTS: '', NODE_ENV: 'production' }],
    [{ PORT: '1', FAILPOINTS: 'on', NODE_ENV: 'test' }],
    [{ PORT: '1', FAILPOINTS: 'relay.sent=exit@3;relay.read=stall(50)x2', NODE_ENV: 'development' }],
  ])('are taken from %j', (env) => {
    expect(problems(env)).toEqual([]);
  });

  it.each<Record<string, string>>([{ NODE_ENV: 'production' }, {}])('are refused in production, also where nobody said so: %j', (env) => {
    expect(problems({ ...env, PORT: '1', FAILPOINTS: 'on' })).toEqual(['FAILPOINTS: is refused where NODE_ENV says production or nothing']);
    // with the other problems, not after them
    expect(problems({ ...env, PORT: 'x', FAILPOINTS: 'on' })).toHaveLength(2);
  });

  it.each(['off', 'relay.snet=exit', 'relay.sent=exit@0'])('are refused as a whole when one cannot be read: %s', (spec) => {
    expect(problems({ PORT: '1', NODE_ENV: 'test', FAILPOINTS: spec })).toHaveLength(1);
  });
});
