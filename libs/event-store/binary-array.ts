type Given<T> = readonly (T | null | undefined)[];

/** How one value of a type is written; `write` answers where the next one begins. */
interface ElementType<T> {
  /** Object id of the type in PostgreSQL. */
  readonly oid: number;
  /** Most bytes that `value` takes. */
  most(value: T): number;
  write(bytes: Buffer, at: number, value: T): number;
}

/**
 * A one-dimensional array as PostgreSQL itself keeps it, for a parameter of a statement. pg would send an array as one text, with every
 * quote of every JSON in it escaped, to be parsed there element by element; this is a third of the work on both sides, for batches of
 * hundreds of events the largest part of it. null and undefined are NULL.
 *
 * A value that its type cannot take (no UUID, no time in UTC, an integer out of range) throws at once, here: pg leaves a connection
 * unusable when a parameter throws as it is written.
 */
export class BinaryArray<T = unknown> {
  private readonly bytes: Buffer;

  private constructor(
    type: ElementType<T>,
    readonly values: Given<T>,
  ) {
    this.bytes = encode(type, values);
  }

  static readonly smallints = (values: Given<number>): BinaryArray<number> => new BinaryArray(INT2, values);
  static readonly integers = (values: Given<number>): BinaryArray<number> => new BinaryArray(INT4, values);
  static readonly texts = (values: Given<string>): BinaryArray<string> => new BinaryArray(TEXT, values);
  static readonly uuids = (values: Given<string>): BinaryArray<string> => new BinaryArray(UUID, values);
  /** Of JSON texts. */
  static readonly jsonbs = (values: Given<string>): BinaryArray<string> => new BinaryArray(JSONB, values);
  /** Of ISO 8601 UTC times; milliseconds count, what is below them does not. */
  static readonly times = (values: Given<string>): BinaryArray<string> => new BinaryArray(TIMESTAMPTZ, values);

  /** pg asks for it when it writes the parameter; a Buffer goes as binary. */
  toPostgres(): Buffer {
    return this.bytes;
  }
}

/** Dimensions, whether there is a NULL, type; then, of the only dimension, its length and where it begins to count. */
const HEADER = 20;
const EMPTY = 12;
const KEPT = 256 * 1024;
const MOST_KEPT = 4 * 1024 * 1024;
/** Most bytes that a UTF-16 unit becomes. */
const UTF8 = 3;
/** Written here, then copied at its true length: finding out that length before costs more. */
let scratch = Buffer.allocUnsafeSlow(KEPT);

function encode<T>(type: ElementType<T>, values: Given<T>): Buffer {
  const { length } = values;
  let most = HEADER;
  for (const value of values) most += 4 + (value == null ? 0 : type.most(value));
  if (scratch.length < most) scratch = Buffer.allocUnsafeSlow(Math.max(most, 2 * scratch.length));
  const bytes = scratch;
  let at = HEADER;
  let hasNull = 0;
  for (const value of values) {
    const begin = at + 4;
    if (value == null) {
      bytes.writeInt32BE(-1, at);
      hasNull = 1;
      at = begin;
    } else {
      const end = type.write(bytes, begin, value);
      bytes.writeInt32BE(end - begin, at);
      at = end;
    }
  }
  bytes.writeInt32BE(length === 0 ? 0 : 1, 0);
  bytes.writeInt32BE(hasNull, 4);
  bytes.writeInt32BE(type.oid, 8);
  bytes.writeInt32BE(length, 12);
  bytes.writeInt32BE(1, 16);
  const whole = Buffer.from(bytes.subarray(0, length === 0 ? EMPTY : at));
  // One large event does not keep its memory for ever.
  if (scratch.length > MOST_KEPT) scratch = Buffer.allocUnsafeSlow(KEPT);
  return whole;
}

const INT2: ElementType<number> = { oid: 21, most: () => 2, write: (bytes, at, value) => bytes.writeInt16BE(value, at) };
const INT4: ElementType<number> = { oid: 23, most: () => 4, write: (bytes, at, value) => bytes.writeInt32BE(value, at) };
const TEXT: ElementType<string> = {
  oid: 25,
  most: (value) => value.length * UTF8,
  write: (bytes, at, value) => at + bytes.write(value, at, 'utf8'),
};

/** The version of its format, then text. */
const JSONB: ElementType<string> = {
  oid: 3802,
  most: (value) => 1 + value.length * UTF8,
  write: (bytes, at, value) => {
    bytes[at] = 1;
    return at + 1 + bytes.write(value, at + 1, 'utf8');
  },
};

const NO_DIGIT = 0xff;
const DIGITS = new Uint8Array(128).fill(NO_DIGIT);
for (const digit of '0123456789abcdefABCDEF') DIGITS[digit.charCodeAt(0)] = Number.parseInt(digit, 16);
const digitAt = (text: string, at: number): number => DIGITS[text.charCodeAt(at)] ?? NO_DIGIT;

const UUID: ElementType<string> = {
  oid: 2950,
  most: () => 16,
  write: (bytes, at, value) => {
    let from = 0;
    for (let n = 0; n < 16; n += 1) {
      if ((n === 4 || n === 6 || n === 8 || n === 10) && value[from++] !== '-') throw new TypeError(`not a UUID: ${value}`);
      const high = digitAt(value, from);
      const low = digitAt(value, from + 1);
      if (high === NO_DIGIT || low === NO_DIGIT) throw new TypeError(`not a UUID: ${value}`);
      bytes[at + n] = (high << 4) | low;
      from += 2;
    }
    if (value.length !== from) throw new TypeError(`not a UUID: ${value}`);
    return at + 16;
  },
};

/** Midnight of 2000-01-01 UTC, from where PostgreSQL counts, milliseconds. */
const EPOCH = 946_684_800_000;
const TIMESTAMPTZ: ElementType<string> = {
  oid: 1184,
  most: () => 8,
  write: (bytes, at, value) => {
    const time = value.endsWith('Z') ? Date.parse(value) : Number.NaN;
    if (Number.isNaN(time)) throw new TypeError(`not a time in UTC: ${value}`);
    // Beyond the safe integers from the year 2285 on.
    bytes.writeBigInt64BE(BigInt(time - EPOCH) * 1_000n, at);
    return at + 8;
  },
};
