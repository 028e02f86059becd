import type { StoredCommand } from '#event-store/read';
import type { CausedEvent } from './correlation-events.js';

/** A command or an event, with what it caused in the order of recording. */
export type CausationNode = CommandNode | EventNode;

interface Caused {
  /** Id of the command or event that caused it; null for a first command. */
  readonly causedBy: string | null;
  readonly caused: CausationNode[];
}

export interface CommandNode extends Caused {
  readonly kind: 'command';
  readonly id: string;
  readonly name: string;
  readonly actor: string;
  readonly idempotencyKey: string;
  readonly receivedAt: string;
  /** HTTP status it was answered with. */
  readonly status: number;
}

export interface EventNode extends Caused {
  readonly kind: 'event';
  readonly id: string;
  readonly type: string;
  readonly streamId: string;
  readonly version: number;
  readonly actor: string;
  readonly occurredAt: string;
  readonly recordedAt: string;
}

/** JSON readers and people both give up on deeper nesting: what lies deeper is shown as caused by its ancestor at this depth. */
const MAX_DEPTH = 64;

/**
 * Commands and events as the tree that causation makes of them. Roots are first commands, and events whose cause is not among those
 * given (it stands in `causedBy` all the same). A cycle, which only damaged data could hold, is cut where it closes.
 */
export function causationTree(events: readonly CausedEvent[], commands: Iterable<StoredCommand>): CausationNode[] {
  const nodes = new Map<string, CausationNode>();
  for (const { id, name, actor, idempotencyKey, receivedAt, answer } of commands) {
    nodes.set(id, { kind: 'command', id, name, actor, idempotencyKey, receivedAt, status: answer.status, causedBy: null, caused: [] });
  }
  for (const { id, type, streamId, version, actor, occurredAt, recordedAt, causationId } of events) {
    nodes.set(id, { kind: 'event', id, type, streamId, version, actor, occurredAt, recordedAt, causedBy: causationId, caused: [] });
  }
  const places = new Map<string, Place>();
  const roots: CausationNode[] = [];
  for (const node of nodes.values()) {
    settlePlaces(node, nodes, places);
    const parent = places.get(node.id)!.under;
    if (parent === undefined) roots.push(node);
    else parent.caused.push(node);
  }
  return roots;
}

interface Place {
  readonly depth: number;
  /** What it is shown under; undefined for a root. */
  readonly under: CausationNode | undefined;
}

/** Finds the places of a node and of all it follows from, first causes first; without recursion, as chains may be long. */
function settlePlaces(node: CausationNode, nodes: ReadonlyMap<string, CausationNode>, places: Map<string, Place>): void {
  const path = new Set<CausationNode>();
  let each: CausationNode | undefined = node;
  for (; each !== undefined && !places.has(each.id) && !path.has(each); each = causeOf(each, nodes)) path.add(each);
  // Met again on the way: a cycle, cut here.
  if (each !== undefined && path.has(each)) places.set(each.id, { depth: 0, under: undefined });
  for (const settled of [...path].reverse()) {
    if (places.has(settled.id)) continue;
    const cause = causeOf(settled, nodes);
    const above = cause === undefined ? undefined : places.get(cause.id);
    if (cause === undefined || above === undefined) places.set(settled.id, { depth: 0, under: undefined });
    else if (above.depth < MAX_DEPTH) places.set(settled.id, { depth: above.depth + 1, under: cause });
    else places.set(settled.id, above);
  }
}

const causeOf = (node: CausationNode, nodes: ReadonlyMap<string, CausationNode>): CausationNode | undefined =>
  node.causedBy === null ? undefined : nodes.get(node.causedBy);
