// Proves: a run passes only when everything does, and its report says how long recovery took by kind of fault.
import { describe, expect, it } from 'vitest';
import type { InvariantResult } from './check/invariant-result.js';
import type { FaultRecord } from './history/fault-record.js';
import { figuresByKind, holds, markdownOf, summaryOf, type RunFigures } from './report.js';

const fault = (n: number, kind: string, recoveredAfterMs?: number): FaultRecord => ({
  n,
  kind,
  target: 'relay-1',
  startedAt: 1_000,
  healedAt: 2_000,
  ...(recoveredAfterMs !== undefined && { recoveredAt: 2_000 + recoveredAfterMs }),
});
const notReached = (n: number) =>
  ({ n, kind: 'failpoint in relay', target: 'relay-1', why: 'armed, not reached: relay.sent=exit', notReached: true }) as const;
const invariant = (ok: boolean): InvariantResult => ({
  id: 'I4',
  title: 'every stored event is published',
  ok,
  checked: '10 events',
  counted: { duplicates: 3 },
  broken: ok ? 0 : 1,
  violations: ok ? [] : [{ what: 'an event is missing', ids: ['order-1'], lookAt: 'tidemark.events' }],
  seconds: 1,
});
const ALL = ['I1', 'I2', 'I3', 'I5', 'I6', 'I7', 'I8', 'I9', 'I10', 'I11', 'I12'] as const;
const COUNTED: Partial<Record<(typeof ALL)[number], Record<string, number>>> = {
  I1: { accepted: 120 },
  I6: { readsWithToken: 5 },
  I11: { judged: 9 },
  I12: { healings: 3, judged: 3 },
};
/** All twelve; I4 holds or not, the others do, and have counted what they have in `COUNTED` or here. */
const invariants = (ok: boolean, counted: typeof COUNTED = {}): InvariantResult[] => [
  invariant(ok),
  ...ALL.map((id) => ({ ...invariant(true), id, counted: { ...COUNTED[id], ...counted[id] } })),
];
const figures: RunFigures = {
  seed: 7,
  minutes: 1,
  rate: 45,
  startedAt: 0,
  loadStoppedAt: 60_000,
  endedAt: 70_000,
  counts: { sent: 130, accepted: 120, refused: 10, unknown: 0, leftOut: 0, reads: 5 },
  planned: 3,
  plannedOfKind: { 'kill relay': 2, 'stop broker': 1, 'kill broker': 1 },
  faults: [fault(1, 'kill relay', 500), fault(2, 'kill relay', 1_500), fault(3, 'stop broker', 100)],
  leftOut: [],
  defects: [],
  missing: [],
  quiet: true,
  quietAfterMs: 3_000,
  invariants: invariants(true),
  samples: [],
  origins: {},
};

const ofKafka = figures.faults.map((each) => ({ ...each, target: 'kafka' }));
const everyApp = Object.fromEntries(['command-api', 'relay', 'orchestrator', 'projector', 'query-api'].map((app) => [`judged ${app}`, 1]));

describe('a run', () => {
  it('may leave out a fifth of its faults, and be too short for any process to show whether it grows', () => {
    const few = { planned: 10, faults: Array.from({ length: 8 }, (_, n) => fault(n, 'kill relay', 500)) };
    expect(holds({ ...figures, ...few, invariants: invariants(true, { I11: { judged: 0 } }) })).toBe(true);
  });

  it('may arm places that nothing reaches, all of a kind as well: they count on neither side, and are told', () => {
    const leftOut = Array.from({ length: 9 }, (_, n) => notReached(n + 4));
    const many = { planned: 12, plannedOfKind: { 'kill relay': 2, 'failpoint in relay': 9 }, leftOut };
    expect(holds({ ...figures, ...many })).toBe(true);
    expect(summaryOf({ ...figures, ...many })).toEqual(
      expect.arrayContaining([
        expect.stringContaining('3 of 12 planned, of 2 kinds, 9 armed and not reached'),
        '  not counted: #4 failpoint in relay (relay-1): armed, not reached: relay.sent=exit',
      ]),
    );
    expect(markdownOf({ ...figures, ...many })).toContain('9 were armed at a place that nothing reached, and do not count');
    expect(holds({ ...figures, ...many, leftOut: leftOut.map(({ n, kind, target, why }) => ({ n, kind, target, why })) })).toBe(false);
  });

  it('may be very long when every app was judged, or was hit so often that none of its processes lived long', () => {
    const long = { ...figures, minutes: 31, plannedOfKind: {} };
    expect(holds({ ...long, faults: ofKafka, invariants: invariants(true, { I11: everyApp }) })).toBe(true);
    expect(holds({ ...long, invariants: invariants(true, { I11: { ...everyApp, 'judged relay': 0 } }) })).toBe(true);
  });

  it('passes when everything held', () => {
    expect(holds(figures)).toBe(true);
    expect(summaryOf(figures).at(-1)).toBe('EVERYTHING HOLDS');
  });

  it.each([
    ['an invariant is broken', { invariants: invariants(false) }],
    ['none was checked', { invariants: [] }],
    ['one was not checked', { invariants: invariants(true).filter(({ id }) => id !== 'I7') }],
    ['there was no fault', { faults: [], planned: 0 }],
    ['more than a fifth of the planned faults was left out', { planned: 4 }],
    ['a kind that was planned twice was never carried out', { plannedOfKind: { 'kill relay': 2, 'rebuild under load': 2 } }],
    [
      'a kind was never carried out, though only one of its three was not reached',
      { plannedOfKind: { 'failpoint in relay': 3 }, leftOut: [notReached(4)] },
    ],
    ['no command was accepted', { counts: { ...figures.counts, accepted: 0 } }],
    ['no accepted command was looked for', { invariants: invariants(true, { I1: { accepted: 0 } }) }],
    ['no read gave a token', { invariants: invariants(true, { I6: { readsWithToken: 0 } }) }],
    ['no healing was judged', { invariants: invariants(true, { I12: { judged: 0 } }) }],
    ['it was long and no process was judged', { minutes: 6, invariants: invariants(true, { I11: { judged: 0 } }) }],
    [
      'it was very long and one app was never judged',
      { minutes: 31, faults: ofKafka, plannedOfKind: {}, invariants: invariants(true, { I11: { ...everyApp, 'judged relay': 0 } }) },
    ],
    ['it never stood still', { quiet: false }],
    ['a fault was not recovered from', { faults: [fault(1, 'kill relay')] }],
    ['a defect was seen', { defects: ['tables differ'] }],
  ] satisfies [string, Partial<RunFigures>][])('does not pass when %s', (_, change) => {
    expect(holds({ ...figures, ...change })).toBe(false);
    expect(summaryOf({ ...figures, ...change }).at(-1)).toBe('NOT EVERYTHING HOLDS');
    expect(markdownOf({ ...figures, ...change })).toContain('NOT everything holds');
  });
});

it('recovery is counted from healing, by kind', () => {
  expect(figuresByKind(figures.faults)).toEqual([
    { kind: 'kill relay', count: 2, notRecovered: 0, p50: 1_500, p95: 1_500, worst: 1_500 },
    { kind: 'stop broker', count: 1, notRecovered: 0, p50: 100, p95: 100, worst: 100 },
  ]);
});

it('the report tells why a run proves nothing', () => {
  const empty = { ...figures, planned: 12, counts: { ...figures.counts, accepted: 0 } };
  expect(summaryOf(empty).filter((line) => line.startsWith('PROVES NOTHING'))).toEqual([
    'PROVES NOTHING: only 3 of 12 planned faults were carried out',
    'PROVES NOTHING: no command was accepted',
  ]);
  expect(markdownOf(empty)).toContain('**The run proves nothing**: no command was accepted.');
});

it('the report tells every violation with where to look', () => {
  const report = markdownOf({ ...figures, invariants: invariants(false) });
  expect(report).toContain('an event is missing (order-1; look at tidemark.events)');
  expect(report).toContain('| duplicates on the topics | 3 |');
  expect(report).toContain('| kill relay | 2 | 1.5 s | 1.5 s | 1.5 s |');
});
