import { ChangeSet } from '../projection/change-set.js';
import type { ProjectedEvent } from '../projection/projected-event.js';
import type { Projection } from '../projection/projection.js';
import { keyOf } from './events.js';

type Row = Record<string, unknown>;

/** Given these events, what the projection's tables hold: by table name, rows by their entity's property names. Needs no database. */
export function fold(projection: Projection, events: readonly ProjectedEvent[]): Record<string, Row[]> {
  const states = new Map<string, object>();
  const changes = new ChangeSet();
  for (const event of events) {
    for (const change of projection.project(event, states.get(keyOf(event)))) {
      changes.add(change);
      if (change.table === projection.state) states.set(keyOf(event), change.row);
    }
  }
  return Object.fromEntries(projection.tables.map((table) => [table.name, changes.rows(table) as Row[]]));
}
