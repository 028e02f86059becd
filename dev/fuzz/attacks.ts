import type { ApiSurface } from './api-surface.js';
import type { Dice } from './dice.js';
import { framed, headOf, hostileRequest, type HostileRequest } from './http-request.js';
import { headTooLong, staysWhole, surelyInvalid } from './surely-invalid.js';

/** One go at a server: what is written to a connection, piece by piece, and what has to come back. */
export interface Attack {
  readonly kind: AttackKind;
  readonly pieces: readonly Buffer[];
  /** Milliseconds between two pieces. */
  readonly pauseMs: number;
  /** How many requests, as the sender means it; an answer may come to fewer when the connection ends with one. */
  readonly requests: number;
  /** Which of them are HEAD. */
  readonly heads: readonly boolean[];
  /** Why each of them may not be accepted; undefined, or none, where that is not certain. */
  readonly mustRefuse: readonly (string | undefined)[];
  /**
   * `answer`: there must be one. `lenient`: an answer or the end of the connection (what is sent is so long that a refusal may be lost
   * with the connection, or is no HTTP at all). `open`: the server may go on waiting for the rest. `leave`: the client does not wait.
   */
  readonly expect: 'answer' | 'lenient' | 'open' | 'leave';
  readonly summary: string;
}

export type AttackKind = keyof typeof ATTACKS;

type Make = (
  dice: Dice,
  next: () => HostileRequest,
) => Omit<Attack, 'kind' | 'summary' | 'heads' | 'mustRefuse' | 'pauseMs' | 'requests'> &
  Partial<Attack> & { readonly first: HostileRequest };

const one = (first: HostileRequest, bytes: Buffer, expect: Attack['expect'] = 'answer') => ({ first, pieces: [bytes], expect });

/** As far as each of them arrives as it was meant. */
function whyRefused(requests: readonly HostileRequest[]): (string | undefined)[] {
  const broken = requests.findIndex((request) => !staysWhole(request));
  return requests.slice(0, broken === -1 ? undefined : broken).map(surelyInvalid);
}

/** Of a request whose framing is wrong in a way that leaves no body a command could have. */
const refusedBody = (request: HostileRequest, why: string): (string | undefined)[] =>
  request.method === 'POST' && staysWhole(request) ? [why] : [];

const ATTACKS = {
  content: (_dice, next) => {
    const first = next();
    return one(first, framed(first), (first.body?.length ?? 0) > 200_000 ? 'lenient' : 'answer');
  },
  pipelined: (dice, next) => {
    const all = Array.from({ length: 2 + dice.below(7) }, next);
    const bytes = Buffer.concat(all.map(framed));
    return {
      ...one(all[0] as HostileRequest, bytes),
      requests: all.length,
      heads: all.map(({ method }) => method === 'HEAD'),
      mustRefuse: whyRefused(all),
    };
  },
  chunked: (dice, next) => {
    const first = withBody(dice, next());
    const { body } = first;
    const at = dice.below(body.length + 1);
    const chunks = [body.subarray(0, at), body.subarray(at)].filter(({ length }) => length > 0);
    const end = dice.pick(['0\r\n\r\n', '0;ext=1\r\n\r\n', '0\r\nX-Trailer: 1\r\n\r\n', '000\r\n\r\n']);
    return one(
      first,
      Buffer.concat([headOf(first, ['transfer-encoding: chunked']), ...chunks.map(chunk), Buffer.from(end)]),
      largeOr(body, 'answer'),
    );
  },
  'chunked lies': (dice, next) => {
    const first = withBody(dice, next());
    const size = dice.pick([
      'ffffffff',
      'fffffffffffffffff',
      '-1',
      'x',
      '',
      '0x10',
      '1;'.repeat(9_000),
      ' 5',
      '5 ',
      '00000000000000000005',
    ]);
    const encoding = dice.pick([
      'chunked',
      'chunked',
      'chunked',
      'gzip, chunked',
      'chunked, gzip',
      'x',
      'chunked, chunked',
      'identity',
      'Chunked\t',
    ]);
    const lie = Buffer.from(`${size}\r\n${dice.pick(['hello\r\n0\r\n\r\n', 'hello', '', '\r\n', '\n\n'])}`);
    return {
      ...one(first, Buffer.concat([headOf(first, [`transfer-encoding: ${encoding}`]), lie]), 'open'),
      // Not even where the chunks can be read is there JSON in them.
      mustRefuse: encoding === 'identity' ? [] : refusedBody(first, 'chunks that lie'),
    };
  },
  'length lies': (dice, next) => {
    const first = withBody(dice, next());
    const real = first.body.length;
    const said = dice.pick([
      `${real + 1 + dice.below(1_000)}`,
      `${Math.max(0, real - 1 - dice.below(20))}`,
      '-1',
      '0',
      'x',
      '',
      '1e3',
      '+5',
      '0x5',
    ]);
    const also = dice.oneIn(3)
      ? dice.pick([`content-length: ${real}`, 'transfer-encoding: chunked', 'content-length : 5', 'content-length: 5, 5'])
      : undefined;
    const huge = dice.oneIn(8) ? dice.pick(['99999999999999999999', '9007199254740993', '1048577', '4294967296']) : undefined;
    const lines = [`content-length: ${huge ?? said}`, ...(also === undefined ? [] : [also])];
    const mustRefuse = also === undefined ? whyLengthRefused(first, huge ?? said) : [];
    return { ...one(first, Buffer.concat([headOf(first, lines), first.body]), 'open'), mustRefuse };
  },
  overlong: (dice, next) => {
    const made = overlong(dice, next());
    return { ...made, mustRefuse: staysWhole(made.first) ? made.pieces.map(headTooLong) : [] };
  },
  'no http': (dice, next) => {
    const first = next();
    const bytes = dice.oneIn(3) ? dice.bytes(1 + dice.below(500)) : Buffer.from(dice.pick(NO_HTTP), 'latin1');
    const behind = dice.oneIn(3);
    return {
      ...one(first, behind ? Buffer.concat([framed(first), bytes]) : bytes, 'open'),
      mustRefuse: behind ? [] : ['no HTTP, or an address that is not there'],
    };
  },
  slow: (dice, next) => {
    const first = next();
    const bytes = framed(first);
    const pieces: Buffer[] = [];
    const length = Math.max(1, Math.ceil(bytes.length / (3 + dice.below(8))));
    for (let at = 0; at < bytes.length; at += length) pieces.push(bytes.subarray(at, at + length));
    return { first, pieces, pauseMs: 1 + dice.below(30), expect: largeOr(first.body, 'answer') };
  },
  'hang-up': (dice, next) => {
    const first = next();
    const bytes = framed(first);
    return { ...one(first, dice.oneIn(2) ? bytes : bytes.subarray(0, 1 + dice.below(bytes.length)), 'leave'), mustRefuse: [] };
  },
} satisfies Record<string, Make>;

/** How often each, of the sum. */
const WEIGHTS: Readonly<Record<AttackKind, number>> = {
  content: 70,
  pipelined: 5,
  chunked: 5,
  'chunked lies': 3,
  'length lies': 4,
  overlong: 4,
  'no http': 3,
  slow: 2,
  'hang-up': 4,
};
const WHEEL = (Object.keys(WEIGHTS) as AttackKind[]).flatMap((kind) => Array.from({ length: WEIGHTS[kind] }, () => kind));

const NO_HTTP = [
  ...['\r\n\r\n', '\0\0\0\0', 'GET\r\n\r\n', 'GET /\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'GET / HTTP/1.1\n\n', 'GET / HTTP/1.1\r\n\r\n'],
  ...[
    'GET / HTTP/1.0\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'GET / HTTP/1.1\r\nHost\r\n\r\n',
  ],
  ...[
    'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'GET / HTTP/1.1\r\n Host: folded\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n',
    ':\r\n\r\n',
  ],
  ...[
    'GET  /  HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\n: x\r\n\r\n',
    'GET / HTTP/1.1\r\nA b: x\r\n\r\n',
    'GET / HTTP/1.1\rHost: a\r\r',
    'HTTP/1.1 200 OK\r\n\r\n',
  ],
];

/** The next attack that the dice make on this API. */
export function nextAttack(dice: Dice, surface: ApiSurface, knownIds: readonly string[]): Attack {
  const kind = dice.pick(WHEEL);
  const make: Make = ATTACKS[kind];
  const { first, ...made } = make(dice, () => hostileRequest(dice, surface, knownIds));
  const summary = `${kind}: ${first.method} ${first.target.slice(0, 120)}`;
  return { kind, summary, pauseMs: 0, requests: 1, heads: [first.method === 'HEAD'], mustRefuse: whyRefused([first]), ...made };
}

function overlong(dice: Dice, first: HostileRequest) {
  const length = dice.pick([8_000, 15_000, 16_384, 20_000, 100_000]);
  switch (dice.below(4)) {
    case 0:
      return one(first, headOf(first, [`x-long: ${'x'.repeat(length)}`]), 'lenient');
    case 1:
      return one(
        first,
        headOf(
          first,
          Array.from({ length: length / 10 }, (_, n) => `x-${n}: ${n}`),
        ),
        'lenient',
      );
    case 2:
      return one(
        first,
        framed({ ...first, target: `${first.target}${first.target.includes('?') ? '&' : '?'}x=${'x'.repeat(length)}` }),
        'lenient',
      );
    default:
      return one(first, framed({ ...first, target: `/orders/${'x'.repeat(length)}` }), 'lenient');
  }
}

/** Of a body that is said to be so long: cut off there, or never complete. */
function whyLengthRefused(first: HostileRequest & { readonly body: Buffer }, said: string): (string | undefined)[] {
  if (!staysWhole(first) || said === '') return [];
  if (!/^\d+$/.test(said)) return ['a length that is no number'];
  const length = Number(said);
  return length > first.body.length
    ? refusedBody(first, 'a length longer than its body')
    : whyRefused([{ ...first, body: first.body.subarray(0, length) }]);
}

function withBody(dice: Dice, request: HostileRequest): HostileRequest & { readonly body: Buffer } {
  return { ...request, body: request.body ?? Buffer.from(dice.pick(['{}', '{"quantity":1}', 'x'])) };
}

const chunk = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);

const largeOr = (body: Buffer | undefined, expect: Attack['expect']): Attack['expect'] =>
  (body?.length ?? 0) > 200_000 ? 'lenient' : expect;
