import { contentDigest } from './content-digest.js';
import type { Database } from './database.js';
import { number, Violations, type Finding } from './finding.js';
import { OperatorDecisions } from './operator-decisions.js';
import { PublishedStreams } from './published-streams.js';
import type { TopicRecords } from './topic-records.js';

interface StoredRow {
  readonly stream: string;
  readonly version: number;
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: unknown;
}

/** Reads the topics once, for I4 and I5. */
export async function readTopics(
  topics: TopicRecords,
  onProgress: (records: number) => void = () => undefined,
  decisions = OperatorDecisions.none,
): Promise<PublishedStreams> {
  const published = new PublishedStreams(decisions);
  for await (const records of topics.batches()) {
    for (const record of records) {
      if (await decisions.isGivenUp(record)) published.givenUp += 1;
      else published.add(record);
    }
    onProgress(published.records);
  }
  return published;
}

/**
 * I4: every stored event is on its topic under its own id and says there what it says in the store, and no record is there without a stored event. A record that is there twice
 * (delivery is at least once) is counted, not a violation. Events among the outbox's dead letters are stored and not published. What an
 * operator decided, with name and reason, is counted and no violation: an event never to be published, a record that was never ours.
 */
export async function checkPublishedEvents(database: Database, published: PublishedStreams): Promise<Finding> {
  const violations = new Violations();
  published.strange.kept.forEach((each) => violations.add(each));
  violations.count = published.strange.count;

  let events = 0;
  let unpublished = 0;
  const unseen = new Set(published.streams.keys());
  let current = '';
  let last = 0;
  const endStream = (): void => {
    if (current === '') return;
    unseen.delete(current);
    reportSurplus(published, current, last, violations);
  };
  for await (const rows of database.stream<StoredRow>(
    `SELECT stream_id AS stream, version, event_id AS id, type, schema_version AS "schemaVersion", data
     FROM tidemark.events ORDER BY stream_id, version`,
  )) {
    for (const { stream, version, id, type, schemaVersion, data } of rows) {
      if (stream !== current) {
        endStream();
        current = stream;
        last = 0;
      }
      // A hole in the store that the topic does not have.
      for (let missing = last + 1; missing < version; missing += 1) reportUnstored(published, stream, missing, violations);
      last = version;
      events += 1;
      const found = published.idOf(stream, version);
      const isDiscarded = published.decisions.unpublishedAt(stream, version) === id;
      if (isDiscarded) unpublished += 1;
      if (found === undefined && !isDiscarded) violations.add(`${stream}@${version} (${id}) is not on its topic`);
      else if (found !== undefined && found !== id) violations.add(`${stream}@${version} is ${id} in the store and ${found} on its topic`);
      const content = published.contentOf(stream, version);
      if (found === id && content !== undefined && content !== contentDigest(type, schemaVersion, data))
        violations.add(`${stream}@${version} (${id}) does not say on its topic what it says in the store`);
    }
  }
  endStream();
  for (const stream of unseen) reportSurplus(published, stream, 0, violations);
  const decided =
    unpublished + published.givenUp === 0
      ? ''
      : `; by operators' decisions ${number(unpublished)} are never published and ${number(published.givenUp)} foreign records given up`;
  return {
    checked: `${number(events - unpublished)} stored events are on their topics, ${number(published.records)} records, ${number(published.duplicates)} of them duplicates${decided}`,
    counts: { events, records: published.records, duplicates: published.duplicates, unpublished, givenUp: published.givenUp },
    violations,
  };
}

/** I5: the first occurrences of a stream's events lie in version order, in one partition. */
export function checkPublishedOrder(published: PublishedStreams): Finding {
  return {
    checked: `${number(published.streams.size)} streams lie in version order, each in one partition`,
    counts: { streams: published.streams.size },
    violations: published.disorder,
  };
}

function reportSurplus(published: PublishedStreams, stream: string, stored: number, violations: Violations): void {
  const { upTo, beyond } = published.versionsOf(stream);
  for (let version = stored + 1; version <= upTo; version += 1) reportUnstored(published, stream, version, violations);
  for (const version of beyond) if (version > stored) reportUnstored(published, stream, version, violations);
}

function reportUnstored(published: PublishedStreams, stream: string, version: number, violations: Violations): void {
  const id = published.idOf(stream, version);
  if (id !== undefined) violations.add(`${stream}@${version} (${id}) is on its topic and not in the store`);
}
