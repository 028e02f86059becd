import type { ApiSurface } from './api-surface.js';
import type { Dice } from './dice.js';
import { hostileBody } from './hostile-bodies.js';
import { hostileText } from './hostile-values.js';

export interface HostileRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer | undefined;
}

const METHODS = [
  ...[
    'GET',
    'POST',
    'PUT',
    'PATCH',
    'DELETE',
    'HEAD',
    'OPTIONS',
    'TRACE',
    'CONNECT',
    'QUERY',
    'PROPFIND',
    'PROPPATCH',
    'MKCOL',
    'COPY',
    'MOVE',
  ],
  ...['LOCK', 'UNLOCK', 'SEARCH', 'REPORT', 'PURGE', 'LINK', 'M-SEARCH', 'SOURCE', 'FOO', 'get', 'P\u00d6ST', 'GET\t', ''],
];

const HEADERS = [
  ...[
    'idempotency-key',
    'if-match',
    'if-none-match',
    'x-actor',
    'x-correlation-id',
    'traceparent',
    'tracestate',
    'last-event-id',
    'consistency-token',
  ],
  ...[
    'accept',
    'accept-encoding',
    'content-encoding',
    'content-type',
    'host',
    'range',
    'cookie',
    'authorization',
    'x-forwarded-for',
    'prefer',
    'origin',
  ],
  ...[
    'if-modified-since',
    'if-range',
    'x-http-method-override',
    'forwarded',
    'te',
    'trailer',
    'connection',
    'upgrade',
    'expect',
    'via',
    'max-forwards',
    'x',
  ],
];

const CONTENT_TYPES = [
  ...[
    'text/plain',
    'application/xml',
    'application/json; charset=utf-16',
    'application/json; charset="utf-8"',
    'application/json;charset=UTF-8;',
    '*/*',
  ],
  ...[
    'application/json; charset=latin1',
    'APPLICATION/JSON',
    'application/json, text/plain',
    'application/json;',
    'application',
    '',
    ';',
    'a/b/c',
  ],
  ...[
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/problem+json',
    'application/json; charset=\u00e9',
    'json',
  ],
];

/** A request for one of the API's own addresses, or near one. Whatever it holds, its framing is left to the sender. */
export function hostileRequest(dice: Dice, surface: ApiSurface, knownIds: readonly string[]): HostileRequest {
  const { template, methods, query } = dice.pick(surface.paths);
  const method = dice.oneIn(6) ? dice.pick(METHODS) : dice.pick(methods);
  const target = targetOf(dice, template, knownIds) + queryOf(dice, query);
  const body = method === 'POST' || dice.oneIn(25) ? hostileBody(dice, template) : undefined;
  return { method, target, body, headers: headersOf(dice, surface, body !== undefined) };
}

function targetOf(dice: Dice, template: string, knownIds: readonly string[]): string {
  if (dice.oneIn(40)) return dice.pick(ODD_TARGETS);
  const path = template.replaceAll(/\{\w+\}/g, () => {
    if (dice.oneIn(2)) return dice.pick([...knownIds, '85123A', 'FUZZ-1', 'order-1', '17850', 'guest-1']);
    const text = hostileText(dice);
    return dice.oneIn(4) ? text.replaceAll(/[\s?#]/g, '') : encode(text);
  });
  if (dice.oneIn(30))
    return dice.pick([`${path}/`, `/${path}`, path.toUpperCase(), `${path}//x`, `${path}%00`, `${path};a=1`, `${path}/../..`]);
  return path;
}

const ODD_TARGETS = [
  '/',
  '*',
  '',
  'x',
  '//',
  '/..%2f..%2f',
  'http://127.0.0.1/orders',
  'http://[::1',
  '/%',
  '/%ff',
  '/\u00e9',
  '/docs',
  '/openapi.json',
  '/metrics',
];

/** encodeURIComponent refuses half a surrogate pair; texts of one byte a character do not have any. */
const encode = (text: string): string => encodeURIComponent(text).replaceAll('%25', '%');

function queryOf(dice: Dice, names: readonly string[]): string {
  if (dice.oneIn(2)) return '';
  const pairs = Array.from({ length: 1 + dice.below(3) }, () => {
    const name = dice.oneIn(6)
      ? dice.pick(['x', '__proto__', 'limit', 'a[b]', 'limit[]', '', '%00', 'constructor', 'toString'])
      : dice.pick([...names, 'limit']);
    // Waiting is no attack, and would only slow the attacker down.
    if (name === 'waitMs' || name === 'consistentWith')
      return `consistentWith=${encode(hostileText(dice))}&waitMs=${dice.pick(['0', '20', 'x', '-1'])}`;
    const value = hostileText(dice);
    return `${name}=${dice.oneIn(6) ? value.replaceAll(/[\s#]/g, '') : encode(value)}`;
  });
  if (dice.oneIn(20)) return `?${Array.from({ length: 300 }, (_, n) => `p${n}=${n}`).join('&')}`;
  return `?${pairs.join(dice.oneIn(20) ? ';' : '&')}`;
}

function headersOf(dice: Dice, surface: ApiSurface, hasBody: boolean): (readonly [string, string])[] {
  const headers: [string, string][] = [['host', new URL(surface.url).host]];
  if (hasBody || dice.oneIn(4)) {
    if (!dice.oneIn(30)) headers.push(['idempotency-key', dice.oneIn(10) ? 'fuzz-again' : `fuzz-${dice.hex(16)}`]);
    if (!dice.oneIn(30)) headers.push(['content-type', dice.oneIn(10) ? dice.pick(CONTENT_TYPES) : 'application/json']);
  }
  for (let more = dice.below(4); more > 0; more -= 1) {
    const name = dice.pick(HEADERS);
    headers.push([name, name === 'content-encoding' ? dice.pick(['gzip', 'br', 'identity', 'x']) : headerText(dice)]);
  }
  return headers;
}

const headerText = (dice: Dice): string => hostileText(dice).replaceAll(/[^\0-\xff]/g, '?');

/** The head of a request with these further lines. Written byte by byte: no client would let most of it pass. */
export function headOf({ method, target, headers }: HostileRequest, more: readonly string[] = []): Buffer {
  return Buffer.from(
    [`${method} ${target} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`), ...more, '', ''].join('\r\n'),
    'latin1',
  );
}

/** With the length it really has. */
export function framed(request: HostileRequest): Buffer {
  const { body } = request;
  return body === undefined ? headOf(request) : Buffer.concat([headOf(request, [`content-length: ${body.length}`]), body]);
}
