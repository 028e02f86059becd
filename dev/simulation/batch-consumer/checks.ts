import type { EventMessage } from '#messaging';
import { PROJECTIONS, projectionsOf } from '#read-models';
import type { Projection } from '#read-models/write';
import { ChangeSet } from '../../../libs/read-models/projection/change-set.js';
import type { DeadLetterSide } from './dead-letter-side.js';
import type { ReadSide } from './read-side.js';
import type { Sent } from './stories.js';

type Row = Record<string, unknown>;

const categoryOf = (streamId: string): 'order' | 'stock' => streamId.slice(0, streamId.indexOf('-')) as 'order' | 'stock';

/** A record as it lies in its partition. */
export interface Lying extends Sent {
  readonly offset: string;
}

/** Whether a record needs no second look: applied by every projection it concerns, or kept among the dead letters. */
export function isDone({ topic, partition, offset, event }: Lying, readSide: ReadSide, deadLetters: DeadLetterSide): boolean {
  if (deadLetters.letterAt(topic, partition, offset) !== undefined) return true;
  if (event === undefined) return false;
  const { streamId, version } = event;
  return projectionsOf(categoryOf(streamId)).every(({ name }) => readSide.position(name, streamId) >= version);
}

/** Rows that a projection must have of these events, by table. */
function expectedRows(projection: Projection, events: readonly EventMessage[]): Map<string, readonly object[]> {
  const states = new Map<string, object>();
  const changes = new ChangeSet();
  for (const event of events) {
    for (const change of projection.project(event, states.get(event.streamId))) {
      changes.add(change);
      if (change.table === projection.state) states.set(event.streamId, change.row);
    }
  }
  return new Map(projection.tables.map((table) => [table.name, changes.rows(table)]));
}

const canonical = (rows: readonly object[]): string[] =>
  rows
    .map((row) =>
      JSON.stringify(
        Object.entries(row as Row)
          .map(([name, value]) => [name, value ?? null])
          .sort(),
      ),
    )
    .sort();

/** What does not hold once everything has been consumed and no stream is parked. */
export function violations(records: readonly Lying[], readSide: ReadSide, deadLetters: DeadLetterSide): string[] {
  const found: string[] = [];
  const events = new Map<string, EventMessage>();
  for (const { event } of records) if (event !== undefined) events.set(event.id, event);
  for (const projection of PROJECTIONS) {
    const own = [...events.values()].filter(({ streamId }) => categoryOf(streamId) === projection.category);
    for (const { streamId, version } of own) {
      const position = readSide.position(projection.name, streamId);
      if (position < version) found.push(`lost: ${projection.name} stands at ${streamId}@${position}, version ${version} was sent`);
    }
    for (const [table, rows] of expectedRows(projection, own)) {
      const [want, have] = [canonical(rows), canonical(readSide.rows(table))];
      if (want.join('\n') !== have.join('\n')) found.push(`read.${table} differs from a fold of the events: ${differenceOf(want, have)}`);
    }
  }
  const poisoned = new Set(records.filter(({ event }) => event === undefined).map(({ claims }) => claims));
  for (const record of records) {
    const letter = deadLetters.letterAt(record.topic, record.partition, record.offset);
    const where = `${record.topic}[${record.partition}]@${record.offset}`;
    if (record.event === undefined && letter === undefined) found.push(`poison ${where} is not among the dead letters`);
    if (record.event !== undefined && letter !== undefined && !poisoned.has(record.event.streamId)) {
      found.push(`${where} is among the dead letters, and nothing was wrong with its stream: ${letter.code} ${letter.reason}`);
    }
    if (record.event !== undefined && letter?.state === 'held') found.push(`${where} is still held though its stream goes on`);
  }
  return found;
}

function differenceOf(want: readonly string[], have: readonly string[]): string {
  const missing = want.filter((row) => !have.includes(row));
  const extra = have.filter((row) => !want.includes(row));
  return `missing ${missing.slice(0, 2).join(' ')}; too much ${extra.slice(0, 2).join(' ')}`;
}
