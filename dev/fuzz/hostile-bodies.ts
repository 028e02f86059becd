import type { Dice } from './dice.js';
import { hostileJson } from './hostile-values.js';

/** Field → JSON text. */
type Fields = [name: string, json: string][];

const SKUS = ['"85123A"', '"FUZZ-1"', '"FUZZ-2"', '" fuzz-3 "'];
const UNWANTED = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'total',
  'then',
  '',
  '\\u0000',
  '\\ud83d',
  'lineNo',
  '0',
];

/** A body the operation takes, mostly with one or more things wrong with it. */
export function hostileBody(dice: Dice, path: string): Buffer {
  if (dice.oneIn(15)) return Buffer.from(hostileJson(dice));
  if (dice.oneIn(40)) return dice.bytes(dice.below(300));
  const text = written(dice, spoilt(dice, fieldsOf(dice, path)));
  const body = Buffer.from(text, 'utf8');
  if (dice.oneIn(12)) return body.subarray(0, dice.below(body.length + 1));
  if (dice.oneIn(12)) return spliced(body, dice.below(body.length + 1), dice.pick(INVALID_UTF8));
  if (dice.oneIn(20)) return flipped(dice, body);
  if (dice.oneIn(30)) return Buffer.from(text, 'utf16le');
  if (dice.oneIn(30)) return Buffer.concat([Buffer.from('\ufeff'), body]);
  if (dice.oneIn(30)) return Buffer.concat([body, Buffer.from(dice.pick(['{}', '\0', ' ', '\n\n', '//', ',', text]))]);
  if (dice.oneIn(2_000)) return Buffer.concat([body, Buffer.alloc(1024 * 1024 + dice.below(1_000), ' ')]);
  return body;
}

const INVALID_UTF8 = [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xc0, 0x80], [0x80], [0xf0, 0x9f]].map(
  (bytes) => Buffer.from(bytes),
);

function fieldsOf(dice: Dice, path: string): Fields {
  if (path.endsWith('/cancel')) return [['reason', '"fuzz"']];
  if (path.endsWith('/receipts'))
    return [
      ['quantity', '5'],
      ['reference', '"fuzz"'],
    ];
  if (path.endsWith('/adjustments'))
    return [
      ['delta', dice.pick(['1', '-1'])],
      ['reason', '"fuzz"'],
    ];
  const line = (): string =>
    written(
      dice,
      maybeSpoilt(dice, [
        ['sku', dice.pick(SKUS)],
        ['quantity', '1'],
        ['unitPrice', '255'],
        ['description', '"x"'],
      ]),
    );
  return [
    [
      'customer',
      written(
        dice,
        maybeSpoilt(dice, [
          ['id', '"17850"'],
          ['name', '"A"'],
          ['email', '"a@example.org"'],
          ['country', '"France"'],
        ]),
      ),
    ],
    ['currency', '"GBP"'],
    ['lines', `[${Array.from({ length: 1 + dice.below(3) }, line).join(',')}]`],
    ['paymentToken', dice.pick(['"tok_ok"', '"tok_declined"', '"nonsense"'])],
    ['reference', '"fuzz"'],
    ['placedAt', '"2010-12-01T08:26:00Z"'],
  ];
}

const maybeSpoilt = (dice: Dice, fields: Fields): Fields => (dice.oneIn(3) ? spoilt(dice, fields) : fields);

function spoilt(dice: Dice, fields: Fields): Fields {
  const result = fields.map(([name, json]): [string, string] => [name, json]);
  for (let harm = dice.below(3); harm > 0; harm -= 1) {
    const at = dice.below(result.length);
    const field = result[at];
    switch (dice.below(6)) {
      case 0:
        result.splice(at, 1);
        break;
      case 1:
        if (field !== undefined) result.push([field[0], hostileJson(dice)]);
        break;
      case 2:
        result.push([dice.pick(UNWANTED), hostileJson(dice)]);
        break;
      default:
        if (field !== undefined) field[1] = hostileJson(dice);
    }
  }
  return result;
}

function written(dice: Dice, fields: Fields): string {
  const blank = dice.oneIn(10) ? dice.pick([' ', '\n', '\t\r\n', '   ']) : '';
  return `{${fields.map(([name, json]) => `${blank}"${name}"${blank}:${json}`).join(',')}}`;
}

function spliced(body: Buffer, at: number, bytes: Buffer): Buffer {
  return Buffer.concat([body.subarray(0, at), bytes, body.subarray(at)]);
}

function flipped(dice: Dice, body: Buffer): Buffer {
  const copy = Buffer.from(body);
  for (let times = 1 + dice.below(4); times > 0 && copy.length > 0; times -= 1) copy[dice.below(copy.length)] = dice.below(256);
  return copy;
}
