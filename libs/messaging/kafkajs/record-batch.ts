import { crc32c } from './crc32c.js';

/** A message as kafkajs hands it to its encoder. */
export interface RecordToWrite {
  readonly key: string | Buffer | null;
  readonly value: string | Buffer | null;
  readonly headers?: Readonly<Record<string, string | Buffer | (string | Buffer)[]>>;
}

export interface RecordBatchToWrite {
  readonly records: readonly RecordToWrite[];
  /** Of all of them, milliseconds. */
  readonly timestamp: number;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly firstSequence: number;
}

/** From the batch's start to the bytes that its checksum covers, and to its records. */
const CHECKED_FROM = 21;
const MAGIC = 2;

/**
 * Kafka's wire format, written from left to right into one buffer that grows. kafkajs makes a buffer of 512 zeroed bytes for each header
 * of each record and copies it twice: with our 13 headers that was most of what a relay did.
 */
export class RecordWriter {
  private buffer = Buffer.allocUnsafe(64 * 1024);
  private at = 0;

  get written(): Buffer {
    return this.buffer.subarray(0, this.at);
  }

  int16(value: number): void {
    this.room(2);
    this.at = this.buffer.writeInt16BE(value, this.at);
  }

  int32(value: number): void {
    this.room(4);
    this.at = this.buffer.writeInt32BE(value, this.at);
  }

  /** Length as INT16, null as -1: how requests write it; records do it otherwise. */
  string(text: string | null): void {
    if (text === null) return this.int16(-1);
    const length = Buffer.byteLength(text);
    this.int16(length);
    this.room(length);
    this.at += this.buffer.write(text, this.at, length);
  }

  /** A record batch, after its size in bytes: uncompressed, the time is the sender's. @see https://kafka.apache.org/documentation/#recordbatch */
  recordSet(batch: RecordBatchToWrite): void {
    const start = this.at;
    this.int32(0);
    this.batch(batch);
    this.buffer.writeInt32BE(this.at - start - 4, start);
  }

  private batch({ records, timestamp, producerId, producerEpoch, firstSequence }: RecordBatchToWrite): void {
    const start = this.at;
    this.int64(0n); // base offset: the broker's
    this.int32(0); // length, below
    this.int32(0); // partition leader epoch: the broker's
    this.room(5);
    this.buffer[this.at] = MAGIC;
    this.at += 5; // checksum, below
    this.int16(0); // attributes
    this.int32(records.length - 1);
    this.int64(BigInt(timestamp));
    this.int64(BigInt(timestamp));
    this.int64(producerId);
    this.int16(producerEpoch);
    this.int32(firstSequence);
    this.int32(records.length);
    records.forEach((record, index) => this.record(record, index));
    this.buffer.writeInt32BE(this.at - start - 12, start + 8);
    this.buffer.writeUInt32BE(crc32c(this.buffer, start + CHECKED_FROM, this.at), start + CHECKED_FROM - 4);
  }

  private record({ key, value, headers = {} }: RecordToWrite, offset: number): void {
    // Its length comes first and is known last: room for three bytes of it, and what is too much is closed up.
    const start = this.at;
    this.room(64);
    this.at += 3;
    this.buffer[this.at++] = 0; // attributes
    this.buffer[this.at++] = 0; // timestamp delta
    this.varint(offset);
    this.bytes(key);
    this.bytes(value);
    const names = Object.keys(headers);
    let count = 0;
    for (const name of names) count += Array.isArray(headers[name]) ? headers[name].length : 1;
    this.varint(count);
    for (const name of names) {
      const header = headers[name]!;
      for (const each of Array.isArray(header) ? header : [header]) {
        this.bytes(name);
        this.bytes(each);
      }
    }
    const length = this.at - start - 3;
    const sized = sizeOfVarint(length);
    if (sized > 3) this.room(sized);
    if (sized !== 3) this.buffer.copyWithin(start + sized, start + 3, this.at);
    this.at = start;
    this.varint(length);
    this.at += length;
  }

  private int64(value: bigint): void {
    this.room(8);
    this.at = this.buffer.writeBigInt64BE(value, this.at);
  }

  /** Zigzag, seven bits a byte. */
  private varint(value: number): void {
    this.room(5);
    let left = ((value << 1) ^ (value >> 31)) >>> 0;
    while (left > 0x7f) {
      this.buffer[this.at++] = (left & 0x7f) | 0x80;
      left >>>= 7;
    }
    this.buffer[this.at++] = left;
  }

  private bytes(value: string | Buffer | null): void {
    if (value === null || value === undefined) return this.varint(-1);
    if (typeof value === 'string') return this.text(value);
    this.varint(value.length);
    this.room(value.length);
    this.buffer.set(value, this.at);
    this.at += value.length;
  }

  /** Short ones letter by letter as long as they are ASCII, which they nearly always are: a call into the runtime for each costs more. */
  private text(text: string): void {
    const { length } = text;
    if (length <= 64) {
      const start = this.at;
      this.varint(length);
      this.room(length);
      const { buffer } = this;
      let at = this.at;
      let index = 0;
      for (; index < length; index += 1) {
        const code = text.charCodeAt(index);
        if (code > 0x7f) break;
        buffer[at++] = code;
      }
      if (index === length) {
        this.at = at;
        return;
      }
      this.at = start;
    }
    const size = Buffer.byteLength(text);
    this.varint(size);
    this.room(size);
    this.at += this.buffer.write(text, this.at, size);
  }

  private room(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.buffer.length, this.at + bytes));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }
}

function sizeOfVarint(value: number): number {
  let size = 1;
  for (let left = value * 2; left > 0x7f; left = Math.floor(left / 128)) size += 1;
  return size;
}
