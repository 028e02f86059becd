import { Violations } from './finding.js';
import { OperatorDecisions } from './operator-decisions.js';
import { placeOf, type TopicRecord } from './topic-records.js';

const ID_BYTES = 16;
const CONTENT_BYTES = 8;
const ENTRY_BYTES = ID_BYTES + CONTENT_BYTES;
/** Stands for the content of an event that was never published, and of a record that says nothing that could be stored. */
const NO_CONTENT = '0'.repeat(2 * CONTENT_BYTES);
const UNREADABLE = 'f'.repeat(2 * CONTENT_BYTES);

interface Published {
  readonly topic: string;
  readonly partition: number;
  /** Versions 1..count: the id, and a digest of the content. */
  entries: Buffer;
  count: number;
  /** Versions that came before an earlier one had. */
  early: Map<number, Buffer> | undefined;
}

/**
 * The streams as the topics tell them, folded record by record. Keeps 24 bytes an event, so that a million events take some 30 MB,
 * and knows every one exactly.
 */
export class PublishedStreams {
  readonly streams = new Map<string, Published>();
  /** What breaks the order (I5). */
  readonly disorder = new Violations();
  /** Records that stand for no event at all (I4). */
  readonly strange = new Violations();
  records = 0;
  duplicates = 0;
  /** Records that are none of ours and that an operator discarded. */
  givenUp = 0;
  /** Of the record at hand. */
  private readonly entry = Buffer.alloc(ENTRY_BYTES);
  private readonly skipped = Buffer.alloc(ENTRY_BYTES);

  constructor(readonly decisions = OperatorDecisions.none) {}

  add(record: TopicRecord): void {
    this.records += 1;
    const { streamId, version, eventId, topic, partition, content } = record;
    if (streamId === null || version === null || eventId === null || !(version >= 1) || !readUuid(eventId, this.entry)) {
      this.strange.add(`${placeOf(record)} is no event of ours`);
      return;
    }
    this.entry.write(content ?? UNREADABLE, ID_BYTES, 'hex');
    let known = this.streams.get(streamId);
    if (known === undefined) {
      known = { topic, partition, entries: Buffer.allocUnsafe(ENTRY_BYTES * 4), count: 0, early: undefined };
      this.streams.set(streamId, known);
    } else if (known.partition !== partition || known.topic !== topic) {
      this.disorder.add(`${streamId}@${version} lies in ${placeOf(record)}, earlier ones in ${known.topic}/${known.partition}`);
    }
    this.place(known, streamId, version, record);
  }

  /** The id that version 1..n of a stream was published under. */
  idOf(streamId: string, version: number): string | undefined {
    const known = this.streams.get(streamId);
    return known && uuidAt(...entryOf(known, version));
  }

  /** What version 1..n of a stream says on its topic, see contentDigest; undefined when it is not there. */
  contentOf(streamId: string, version: number): string | undefined {
    const known = this.streams.get(streamId);
    const content = known && contentAt(...entryOf(known, version));
    return content === NO_CONTENT ? undefined : content;
  }

  /** Highest version published without a hole before it, and those beyond a hole. */
  versionsOf(streamId: string): { readonly upTo: number; readonly beyond: readonly number[] } {
    const known = this.streams.get(streamId);
    return { upTo: known?.count ?? 0, beyond: [...(known?.early?.keys() ?? [])] };
  }

  private place(known: Published, streamId: string, version: number, record: TopicRecord): void {
    this.passOver(known, streamId, version);
    if (version === known.count + 1) {
      append(known, this.entry);
      for (let next = known.early?.get(known.count + 1); next !== undefined; next = known.early?.get(known.count + 1)) {
        known.early!.delete(known.count + 1);
        append(known, next);
      }
      return;
    }
    const before = this.idOf(streamId, version);
    const id = uuidAt(this.entry, 0);
    if (before === id) {
      this.duplicates += 1;
      const content = this.contentOf(streamId, version);
      if (content !== undefined && content !== contentAt(this.entry, 0))
        this.strange.add(`${placeOf(record)} repeats ${streamId}@${version} (${id}) and says something else`);
    } else if (before !== undefined) {
      this.strange.add(`${placeOf(record)} is another ${streamId}@${version} (${id}) than ${before}`);
    } else {
      this.disorder.add(`${streamId}@${version} (${placeOf(record)}) comes before version ${known.count + 1}`);
      (known.early ??= new Map()).set(version, Buffer.from(this.entry));
    }
  }

  /** Versions before this one that an operator took out of the outbox: their place is taken by what would have been there. */
  private passOver(known: Published, streamId: string, version: number): void {
    for (let next = known.count + 1; next < version; next += 1) {
      const id = this.decisions.unpublishedAt(streamId, next);
      if (id === undefined || !readUuid(id, this.skipped)) return;
      append(known, this.skipped);
    }
  }
}

/** Where a version is kept. */
function entryOf({ entries, count, early }: Published, version: number): [entries: Buffer | undefined, at: number] {
  return version <= count ? [entries, (version - 1) * ENTRY_BYTES] : [early?.get(version), 0];
}

function append(known: Published, entry: Buffer): void {
  const at = known.count * ENTRY_BYTES;
  if (at === known.entries.length) {
    const larger = Buffer.allocUnsafeSlow(at * 2);
    known.entries.copy(larger);
    known.entries = larger;
  }
  entry.copy(known.entries, at);
  known.count += 1;
}

/** Digit by character code; -1 for what is none. Both cases of letters are the same digit. */
const DIGITS = Int8Array.from({ length: 128 }, (_, code) => '0123456789abcdef'.indexOf(String.fromCharCode(code).toLowerCase()));

/** Puts the bytes of a UUID into `target`; false when the text is none. By hand, because it is done for every record of every topic. */
function readUuid(text: string, target: Buffer): boolean {
  if (text.length !== 36) return false;
  for (let at = 0, byte = 0; at < 36; at += 2) {
    if (at === 8 || at === 13 || at === 18 || at === 23) {
      if (text.charCodeAt(at) !== 45) return false;
      at += 1;
    }
    const high = DIGITS[text.charCodeAt(at)] ?? -1;
    const low = DIGITS[text.charCodeAt(at + 1)] ?? -1;
    if (high < 0 || low < 0) return false;
    target[byte++] = high * 16 + low;
  }
  return true;
}

function uuidAt(entries: Buffer, at: number): string;
function uuidAt(entries: Buffer | undefined, at: number): string | undefined;
function uuidAt(entries: Buffer | undefined, at: number): string | undefined {
  const hex = entries?.toString('hex', at, at + ID_BYTES);
  return hex && `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const contentAt = (entries: Buffer | undefined, at: number): string | undefined =>
  entries?.toString('hex', at + ID_BYTES, at + ENTRY_BYTES);
