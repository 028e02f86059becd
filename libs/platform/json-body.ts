import type { FastifyInstance } from 'fastify';
import { platformProblem } from './problem.js';

export interface JsonLimits {
  /** Objects and arrays inside each other. */
  readonly depth: number;
  /** Characters of one number; more digits than a double holds would be rounded without a word. */
  readonly numberLength: number;
}

export const JSON_LIMITS: JsonLimits = { depth: 16, numberLength: 17 };

/**
 * Accepts application/json in UTF-8 only (anything else is 415) and refuses, as 400 `malformed-json`, what would be damaged or
 * dangerous further in: invalid UTF-8, too deep nesting, numbers too long to be exact, keys that reach into prototypes, and NUL characters or lone
 * surrogates (PostgreSQL's text and jsonb refuse them).
 */
export function acceptStrictJson(fastify: FastifyInstance, limits: JsonLimits = JSON_LIMITS): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const charset = /;\s*charset="?([^";\s]+)/i.exec(request.headers['content-type'] ?? '')?.[1];
      if (charset !== undefined && charset.toLowerCase() !== 'utf-8') {
        throw platformProblem('unsupported-media-type', 'Send application/json in UTF-8.');
      }
      done(null, parseStrictJson(body as Buffer, limits));
    } catch (error) {
      done(error as Error);
    }
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Throws a {@link ProblemError} `malformed-json`. */
export function parseStrictJson(body: Uint8Array, limits: JsonLimits = JSON_LIMITS): unknown {
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    throw malformed('The body is not valid UTF-8.');
  }
  scan(text, limits);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed(text.trim() === '' ? 'The body is empty.' : 'The body is not valid JSON.');
  }
  if (MAY_BE_BAD.test(text)) refuseBadText(value);
  return value;
}

/**
 * Only an escape can make a NUL or half a surrogate pair of valid UTF-8, or hide a name. Looking here first spares nearly every body the
 * walk through all its names and texts, which took as long as parsing it.
 */
const MAY_BE_BAD = /\\u|__proto__|constructor|prototype/;

const malformed = (detail: string) => platformProblem('malformed-json', detail);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Depth and number length are seen on the text: the parsed value no longer shows how a number was written. */
function scan(text: string, limits: JsonLimits): void {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) {
      at = endOfString(text, at + 1);
    } else if (char === 0x5b || char === 0x7b) {
      depth += 1;
      if (depth > limits.depth) throw malformed(`The body nests deeper than ${limits.depth} levels.`);
    } else if (char === 0x5d || char === 0x7d) {
      depth -= 1;
    } else if (isNumeric(char)) {
      const start = at;
      while (isNumeric(text.charCodeAt(at + 1))) at += 1;
      if (at - start >= limits.numberLength) throw malformed(`A number is written with more than ${limits.numberLength} characters.`);
    }
  }
}

function endOfString(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}

/** Digits, sign, point and exponent. The letters also occur in `true` and `false`, which are never long enough to matter. */
const isNumeric = (char: number): boolean =>
  (char >= 0x30 && char <= 0x39) || char === 0x2b || char === 0x2d || char === 0x2e || char === 0x65 || char === 0x45;

/** Validation copies fields by name and would let these reach, or hide behind, what every object inherits. */
const REFUSED_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

function refuseBadText(value: unknown): void {
  if (typeof value === 'string') {
    refuseBadString(value);
  } else if (typeof value === 'object' && value !== null) {
    // the depth is bounded by now, so recursion is safe
    for (const [key, item] of Object.entries(value)) {
      if (REFUSED_KEYS.has(key)) throw malformed('The body has a field that is not allowed.');
      refuseBadString(key);
      refuseBadText(item);
    }
  }
}

function refuseBadString(text: string): void {
  if (!isStorableText(text)) throw malformed('The body has text with a NUL character or half a surrogate pair.');
}

/** Under the `u` flag a surrogate matches only where it stands alone. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;

/** What PostgreSQL can keep as text or jsonb. */
export const isStorableText = (text: string): boolean => !UNSTORABLE.test(text);
