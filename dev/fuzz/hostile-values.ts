import type { Dice } from './dice.js';

const LONE_HIGH = '\\ud83d';
const LONE_LOW = '\\ude00';

/** JSON texts that stand where a value is expected. Texts, not values: much of this no serializer would write. */
const JSON_VALUES: readonly string[] = [
  ...['null', 'true', 'false', '0', '-0', '-1', '1', '0.5', '1e3', '1E400', '-1e-400', '9007199254740991', '9007199254740993'],
  ...[
    '99999999999999999999999999',
    '0.1000000000000000055511151231257827',
    '1.0',
    'NaN',
    'Infinity',
    '-Infinity',
    '0x10',
    '01',
    '+1',
    '.5',
    '1.',
  ],
  ...['2147483648', '-2147483649', '9223372036854775808', '1e308', '4.9e-324', '1_000', '1n', 'undefined', "'x'", 'x', '--1', '1e', ''],
  ...[
    '""',
    '" "',
    '"\\t\\n"',
    '"\\u0000"',
    `"${LONE_HIGH}"`,
    `"${LONE_LOW}${LONE_HIGH}"`,
    '"\\ud83d\\ude00"',
    '"\\u200b"',
    '"\\u202e"',
    '"\\ufeff"',
  ],
  ...[
    '"\\x41"',
    '"\\u12"',
    '"unclosed',
    '"new\nline"',
    '"nul\u0000"',
    '"é"',
    '"e\\u0301"',
    '"ß"',
    '"İ"',
    '"ﬃ"',
    '"𝕏"',
    '"../../etc/passwd"',
  ],
  ...[
    '"$(id)"',
    '"\' OR 1=1 --"',
    '"<script>"',
    '"%00"',
    '"%s%n"',
    '"{{7*7}}"',
    '"__proto__"',
    '"constructor"',
    '"system:relay"',
    '"1"',
    '"true"',
  ],
  ...[
    '[]',
    '{}',
    '[null]',
    '[[]]',
    '[{}]',
    '{"":""}',
    '{"__proto__":{}}',
    '{"constructor":{"prototype":{"x":1}}}',
    '{"toString":1}',
    '{"length":1e9}',
  ],
  ...[
    '{"then":1}',
    '{"a":1,"a":2}',
    '{"$ref":"#"}',
    '[1,]',
    '{"a":1,}',
    '[1 2]',
    '/**/1',
    '1//x',
    '{"a" 1}',
    '{a:1}',
    '[',
    '{',
    ']',
    '}',
    '"2010-02-30T00:00:00Z"',
  ],
  ...[
    '"9999-12-31T23:59:60Z"',
    '"-000001-01-01T00:00:00Z"',
    '"2010-12-01T08:26:00+99:99"',
    '"GBP"',
    '"gbp"',
    '"ZZZ"',
    '"tok_ok"',
    '"tok_down"',
  ],
];

const LENGTHS = [64, 65, 100, 101, 200, 201, 255, 256, 320, 1_000, 10_000, 70_000];
const DEPTHS = [5, 15, 16, 17, 18, 100, 1_000, 50_000];

/** Characters as they are, for headers and paths; many are not allowed there. */
const TEXTS: readonly string[] = [
  ...[
    '',
    ' ',
    '\t',
    '*',
    '"',
    '""',
    '"1"',
    'W/"1"',
    '"1", "2"',
    '"1"2"',
    '0',
    '-1',
    '1e3',
    '9'.repeat(20),
    '1.5',
    'NaN',
    'null',
    'undefined',
    'true',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '..',
    '.',
    '../..',
    '%',
    '%2',
    '%zz',
    '%00',
    '%0d%0a',
    '%c3%28',
    '%ed%a0%80',
    '%f0%9f%98%80',
  ],
  ...[
    '%2e%2e%2f',
    '%25',
    '\u00e9',
    '\u00ff\u00fe',
    '\u0000',
    '\u0001',
    '\u007f',
    '\r\n',
    'a\r\nX-Evil: 1',
    ';',
    ',',
    '=',
    '&',
    '#',
    '?',
    '\\',
    '//',
    '@',
    '|',
    '^',
    '{}',
    '[]',
  ],
  ...[
    'order-',
    'order-x@1',
    'stock-85123A@1',
    'order-x@0',
    'order-x@999999999',
    'order-x@9999999999',
    '@',
    'payment-1',
    'fulfilment-x@1',
    'nothing-1',
  ],
  ...['guest-1', '85123A', "' OR 1=1--", '${jndi:x}', '$(id)', '<x>', 'system:relay', 'SYSTEM:x', '00000000-0000-0000-0000-000000000000'],
  ...[
    '2010-12-01',
    '2010-02-30',
    '2010-12-01T00:00:00Z',
    '0000-00-00',
    '+275760-09-13T00:00:00Z',
    'bWFsZm9ybWVk',
    'WyJ4IiwxXQ',
    'asc',
    'desc',
  ],
  ...['00-00000000000000000000000000000000-0000000000000000-00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'ff-x-y-01'],
];

export const hostileText = (dice: Dice): string => {
  if (dice.oneIn(8)) return dice.pick(['a', 'é', '%41', '%e2%80%ae', '0', ' ']).repeat(dice.pick(LENGTHS.slice(0, 9)));
  if (dice.oneIn(8)) return dice.bytes(1 + dice.below(24)).toString('latin1');
  if (dice.oneIn(8)) return dice.uuid();
  return dice.pick(TEXTS);
};

export function hostileJson(dice: Dice): string {
  if (dice.oneIn(12)) return nested(dice);
  if (dice.oneIn(12)) return `"${dice.pick(['a', 'é', '\\u00e9', '𝕏', '\\\\', LONE_HIGH]).repeat(dice.pick(LENGTHS))}"`;
  if (dice.oneIn(20))
    return `[${Array.from({ length: dice.pick([2, 100, 1_001, 20_000]) }, () => dice.pick(['1', '{}', 'null', '"x"'])).join(',')}]`;
  if (dice.oneIn(30)) return dice.pick(['1', '0.', '-', '1e']) + '9'.repeat(dice.pick([16, 17, 18, 400, 50_000]));
  return dice.pick(JSON_VALUES);
}

function nested(dice: Dice): string {
  const depth = dice.pick(DEPTHS);
  const [open, close] = dice.pick([
    ['[', ']'],
    ['{"a":', '}'],
    ['[{"lines":', '}]'],
  ] as const);
  return open.repeat(depth) + (dice.oneIn(3) ? '' : `1${close.repeat(depth)}`);
}
