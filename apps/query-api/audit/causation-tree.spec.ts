// Proves: every command and event appears exactly once, under what caused it; strangers become roots; damaged data still ends.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StoredCommand, StoredEvent } from '#event-store/read';
import { causationTree, type CausationNode } from './causation-tree.js';

const event = (id: string, causationId: string): StoredEvent => ({
  id,
  causationId,
  type: 'OrderConfirmed',
  schemaVersion: 1,
  data: {},
  occurredAt: '2010-12-01T08:26:00.000Z',
  recordedAt: '2026-01-01T00:00:00.000Z',
  correlationId: 'c',
  actor: 'a',
  commandId: null,
  traceparent: null,
  position: 1,
  streamId: 'order-1',
  version: 1,
});
const command = (id: string): StoredCommand => ({
  id,
  name: 'PlaceOrder',
  actor: 'a',
  idempotencyKey: `key-${id}`,
  correlationId: 'c',
  receivedAt: '2026-01-01T00:00:00.000Z',
  answer: { status: 201, headers: {}, body: {} },
});
const shape = (nodes: readonly CausationNode[]): unknown => Object.fromEntries(nodes.map((node) => [node.id, shape(node.caused)]));
const ids = (nodes: readonly CausationNode[]): string[] => nodes.flatMap((node) => [node.id, ...ids(node.caused)]);
const depth = (nodes: readonly CausationNode[]): number =>
  nodes.length === 0 ? 0 : 1 + Math.max(...nodes.map((node) => depth(node.caused)));

describe('the causation tree', () => {
  it('puts everything under what caused it', () => {
    const tree = causationTree(
      [event('placed', 'place'), event('started', 'placed'), event('reserved', 'started'), event('cancelled', 'cancel')],
      [command('place'), command('cancel')],
    );
    expect(shape(tree)).toEqual({ place: { placed: { started: { reserved: {} } } }, cancel: { cancelled: {} } });
  });

  it('shows an event of unknown cause as a root that names its cause', () => {
    expect(causationTree([event('lonely', 'elsewhere')], [])).toMatchObject([{ id: 'lonely', causedBy: 'elsewhere' }]);
  });

  it('holds everything once, whatever caused what, cycles included', () => {
    const graph = fc.array(fc.nat(40), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(graph, (causes) => {
        const events = causes.map((cause, index) => event(String(index), String(cause)));
        expect(ids(causationTree(events, [])).sort()).toEqual(events.map(({ id }) => id).sort());
      }),
      { seed: 20101201, numRuns: 500 },
    );
  });

  it('stays shallow however long a chain is', () => {
    const chain = Array.from({ length: 5_000 }, (_, index) => event(String(index), String(index - 1)));
    const tree = causationTree(chain, []);
    expect(depth(tree)).toBeLessThanOrEqual(66);
    expect(ids(tree)).toHaveLength(5_000);
    expect(causationTree([...chain].reverse(), [])).toHaveLength(1);
  });
});
