import type { HostileRequest } from './http-request.js';

/** Bytes of the address and of all headers' names and values, beyond which no request is taken; a little is left for what else is counted. */
const LONGEST_HEAD = 16 * 1024 + 64;
const LONGEST_BODY = 1024 * 1024;
const DEEPEST = 16;
/** Of every text, and of every number, that any command has; all numbers are whole. */
const LONGEST_TEXT = 500;
const LARGEST_NUMBER = 1e12;
const LONGEST_KEY = 200;
const LONGEST_ACTOR = 100;

/** Fields of all commands together; whoever has another is refused by each. */
const FIELDS: ReadonlySet<string> = new Set([
  ...['reference', 'customer', 'currency', 'lines', 'paymentToken', 'placedAt'],
  ...['reason', 'cancelledAt', 'quantity', 'receivedAt', 'delta', 'adjustedAt'],
]);

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Why no API may accept this request, wherever it goes; undefined when one might. Only of commands (POST), which all want a key and a
 * JSON object: reads pass over a body. Stated anew and not taken from the product, and rather too little than too much.
 * `request` has to arrive as it is: see staysWhole.
 */
export function surelyInvalid({ method, headers, body }: HostileRequest): string | undefined {
  if (method !== 'POST') return undefined;
  return wrongKey(headers) ?? wrongActor(headers) ?? (body === undefined || body.length === 0 ? undefined : wrongBody(headers, body));
}

/** Whether the server sees the same request: a line break in it may end its head early, and make something else of the rest. */
export const staysWhole = ({ target, headers }: HostileRequest): boolean =>
  [target, ...headers.map(([, value]) => value)].every((text) => !/[\r\n]/.test(text));

/** Whatever is asked for, and by which method. */
export function headTooLong(bytes: Buffer): string | undefined {
  const [requestLine, ...lines] = bytes.subarray(0, bytes.indexOf('\r\n\r\n')).toString('latin1').split('\r\n');
  // Method, version and separators do not count.
  const counted = lines.reduce((sum, line) => sum + line.length - ': '.length, requestLine!.length - 'PROPPATCH  HTTP/1.1'.length);
  return counted > LONGEST_HEAD ? 'a head of more than 16 KiB' : undefined;
}

type Headers = HostileRequest['headers'];

/** Node makes one of several; which, or how, is not ours to say. */
const onlyOne = (headers: Headers, name: string): string | undefined => {
  const values = headers.filter(([each]) => each === name);
  return values.length === 1 ? values[0]![1].trim() : undefined;
};

function wrongKey(headers: Headers): string | undefined {
  if (!headers.some(([name]) => name === 'idempotency-key')) return 'no Idempotency-Key';
  const key = onlyOne(headers, 'idempotency-key');
  if (key === undefined) return undefined;
  if (key.length > LONGEST_KEY) return 'an overlong Idempotency-Key';
  return /^[\x21-\x7e]+$/.test(key) ? undefined : 'an invalid Idempotency-Key';
}

function wrongActor(headers: Headers): string | undefined {
  const actor = onlyOne(headers, 'x-actor');
  if (actor === undefined || actor === '') return undefined;
  return actor.length > LONGEST_ACTOR || !/^[\x20-\x7e]+$/.test(actor) || /^system:/i.test(actor) ? 'an invalid X-Actor' : undefined;
}

function wrongBody(headers: Headers, body: Buffer): string | undefined {
  if (body.length > LONGEST_BODY) return 'a body of more than 1 MiB';
  if (!headers.some(([name]) => name === 'content-type')) return 'a body without a content type';
  const type = onlyOne(headers, 'content-type');
  if (type === undefined) return undefined;
  if (type.split(';', 1)[0]!.trim().toLowerCase() !== 'application/json') return 'a content type other than JSON';
  const charset = /^application\/json; charset=([a-z0-9-]+)$/i.exec(type)?.[1]?.toLowerCase();
  if (charset !== undefined && charset !== 'utf-8') return 'a charset other than UTF-8';
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(body));
  } catch {
    return 'malformed JSON';
  }
  return wrongValue(value);
}

function wrongValue(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'a body that is no object';
  if (Object.keys(body).some((name) => !FIELDS.has(name))) return 'a field that no command has';
  // Not by recursion: some nest fifty thousand deep.
  const open: [value: unknown, depth: number][] = [[body, 1]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [value, depth] = next;
    if (typeof value === 'boolean') return 'a truth value, which no field takes';
    if (typeof value === 'number' && !(Number.isSafeInteger(value) && Math.abs(value) <= LARGEST_NUMBER)) return 'a number beyond bounds';
    if (typeof value === 'string' && value.length > LONGEST_TEXT) return 'an overlong text';
    if (typeof value === 'string' && /[\0\p{Surrogate}]/u.test(value)) return 'a text that cannot be stored';
    if (typeof value !== 'object' || value === null) continue;
    if (depth > DEEPEST) return 'a body nested too deep';
    for (const each of Object.values(value)) open.push([each, depth + 1]);
  }
  return undefined;
}
