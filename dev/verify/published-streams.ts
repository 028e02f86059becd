import { Violations } from './finding.js';
import { placeOf, type TopicRecord } from './topic-records.js';

const ID_BYTES = 16;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface Published {
  readonly topic: string;
  readonly partition: number;
  /** Ids of versions 1..count, 16 bytes each. */
  ids: Buffer;
  count: number;
  /** Versions that came before an earlier one had. */
  early: Map<number, string> | undefined;
}

/**
 * The streams as the topics tell them, folded record by record. Keeps 16 bytes an event, so that a million events take some 20 MB,
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

  add(record: TopicRecord): void {
    this.records += 1;
    const { streamId, version, eventId, topic, partition } = record;
    if (streamId === null || version === null || eventId === null || !UUID.test(eventId) || !(version >= 1)) {
      this.strange.add(`${placeOf(record)} is no event of ours`);
      return;
    }
    let known = this.streams.get(streamId);
    if (known === undefined) {
      known = { topic, partition, ids: Buffer.allocUnsafe(ID_BYTES * 4), count: 0, early: undefined };
      this.streams.set(streamId, known);
    } else if (known.partition !== partition || known.topic !== topic) {
      this.disorder.add(`${streamId}@${version} lies in ${placeOf(record)}, earlier ones in ${known.topic}/${known.partition}`);
    }
    this.place(known, streamId, version, eventId.toLowerCase(), record);
  }

  /** The id that version 1..n of a stream was published under. */
  idOf(streamId: string, version: number): string | undefined {
    const known = this.streams.get(streamId);
    if (known === undefined) return undefined;
    return version <= known.count ? idAt(known.ids, version) : known.early?.get(version);
  }

  /** Highest version published without a hole before it, and those beyond a hole. */
  versionsOf(streamId: string): { readonly upTo: number; readonly beyond: readonly number[] } {
    const known = this.streams.get(streamId);
    return { upTo: known?.count ?? 0, beyond: [...(known?.early?.keys() ?? [])] };
  }

  private place(known: Published, streamId: string, version: number, id: string, record: TopicRecord): void {
    const before = version <= known.count ? idAt(known.ids, version) : known.early?.get(version);
    if (before !== undefined) {
      if (before === id) this.duplicates += 1;
      else this.strange.add(`${placeOf(record)} is another ${streamId}@${version} (${id}) than ${before}`);
    } else if (version > known.count + 1) {
      this.disorder.add(`${streamId}@${version} (${placeOf(record)}) comes before version ${known.count + 1}`);
      (known.early ??= new Map()).set(version, id);
    } else {
      append(known, id);
      for (let next = known.early?.get(known.count + 1); next !== undefined; next = known.early?.get(known.count + 1)) {
        known.early!.delete(known.count + 1);
        append(known, next);
      }
    }
  }
}

function append(known: Published, id: string): void {
  const at = known.count * ID_BYTES;
  if (at === known.ids.length) {
    const larger = Buffer.allocUnsafeSlow(at * 2);
    known.ids.copy(larger);
    known.ids = larger;
  }
  known.ids.write(id.replaceAll('-', ''), at, 'hex');
  known.count += 1;
}

function idAt(ids: Buffer, version: number): string {
  const hex = ids.toString('hex', (version - 1) * ID_BYTES, version * ID_BYTES);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
