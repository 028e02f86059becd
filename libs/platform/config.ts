import { parseFailpoints } from '#failpoints';
import { z } from 'zod';

/** Every problem of the environment at once; `message` is fit for a terminal and never repeats a value (it may be a secret). */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The configuration is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/**
 * Parses the environment once, at start. The schema's keys are the variables' names; an empty variable counts as not set.
 * Answers a frozen object. Throws {@link ConfigError} naming every problem, not just the first.
 */
export function loadConfig<Shape extends z.ZodObject>(
  schema: Shape,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<z.output<Shape>> {
  const given = Object.fromEntries(Object.keys(schema.shape).map((name) => [name, env[name] === '' ? undefined : env[name]]));
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues.map((issue) => {
        const name = issue.path.join('.');
        return given[name] === undefined ? `${name} is missing` : `${name}: ${issue.message}`;
      }),
    );
  }
  return Object.freeze(parsed.data);
}

const url = (what: string, protocols: readonly string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), `must be ${what}`);

/** DATABASE_URL */
export const databaseUrl = url('a postgres:// address', ['postgres:', 'postgresql:']);
/** An http(s) base address without a slash at its end. */
export const httpUrl = url('an http:// or https:// address', ['http:', 'https:']).transform((text) => text.replace(/\/+$/, ''));
/** KAFKA_BROKERS: `host:port,host:port` → list. */
export const kafkaBrokers = z
  .string()
  .transform((text) => text.split(',').map((broker) => broker.trim()))
  .refine((brokers) => brokers.every((broker) => /^[^\s:]+:\d{1,5}$/.test(broker)), 'must be host:port, separated by commas');
/** TOPIC_PREFIX: first part of every topic and group name, so that several stacks can share a broker. */
export const topicPrefix = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,50}$/, 'must be letters, digits, _ or -')
  .default('tidemark');
/** PORT; 0 takes a free one. */
export const port = wholeNumber(0, 65_535);
/** HOST to listen on; loopback unless told otherwise. */
export const host = z.string().default('127.0.0.1');
/** SHUTDOWN_DRAIN_MS: goes on serving for so long after readiness went false, so that a load balancer notices in time. Default 0. */
export const drainMs = wholeNumber(0, 60_000).optional();
/** LOG_LEVEL */
export const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info');
/** NODE_ENV */
export const nodeEnv = z.enum(['development', 'test', 'production']).default('production');

/** FAILPOINTS: what to arm at start; `on` arms nothing yet, but may be told to over HTTP. */
const failpoints = z
  .string()
  .refine(isFailpoints, 'must be `on` or <name>=<exit|throw|stall(ms)>[@<nth hit>][x<times>] of failpoints there are, separated by ;')
  .optional();

/**
 * An app's schema with FAILPOINTS and NODE_ENV: a process that calls itself a production one, or does not say what it is, refuses to
 * start with failpoints.
 */
export function withFailpoints<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>) {
  return schema.extend({ NODE_ENV: nodeEnv.optional(), FAILPOINTS: failpoints }).refine(
    (config) => {
      const { NODE_ENV, FAILPOINTS } = config as { NODE_ENV?: string; FAILPOINTS?: string };
      return FAILPOINTS === undefined || (NODE_ENV !== 'production' && NODE_ENV !== undefined);
    },
    { path: ['FAILPOINTS'], message: 'is refused where NODE_ENV says production or nothing', when: () => true },
  );
}

function isFailpoints(text: string): boolean {
  try {
    parseFailpoints(text);
    return true;
  } catch {
    return false;
  }
}

/** A whole number given as text. Bounds are inclusive. */
export function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^-?\d{1,15}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);
}
