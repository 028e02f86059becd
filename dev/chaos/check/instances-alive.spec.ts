/** Proves that an instance that was hit must answer itself, and that none is blamed for what another fault, a client or the end did. */
import { describe, expect, it } from 'vitest';
import { checkAlive } from './alive.check.js';
import { DEFAULT_BOUNDS } from './bounds.js';
import { FaultWindows } from './fault-windows.js';
import { HistoryDigest } from './history-digest.js';

const ORIGINS = { 'command-api-1': 'http://one', 'command-api-2': 'http://two' };
const SECOND = 1_000;
const fault = (target: string, startedAt: number, healedAt: number, n = 1) => ({ n, kind: 'fault', target, startedAt, healedAt });
const KILL = fault('command-api-1', 10 * SECOND, 10 * SECOND);

/** Reads of both instances once a second up to a moment; `one` says whether the first of them answers at that time. */
function asked(untilS: number, one: (second: number) => boolean, asks: (second: number) => boolean = () => true): HistoryDigest {
  const digest = new HistoryDigest();
  let n = 0;
  const read = (target: string, at: number, status: number): void => {
    n += 1;
    const rest = { method: 'GET', path: '/orders/o1', key: null, fingerprintOf: null, body: null, intent: 'read-order' } as const;
    digest.add({ kind: 'sent', n, at, target, attempt: 'first', ...rest });
    if (status === 0) digest.add({ kind: 'unanswered', n, at: at + 20, error: 'ECONNREFUSED' });
    else digest.add({ kind: 'answered', n, at: at + 20, status, body: null, ...(status === 503 && { retryAfter: 1 }) });
  };
  for (let second = 0; second < untilS; second += 1) {
    read('http://two', second * SECOND, 200);
    if (asks(second)) read('http://one', second * SECOND + 500, one(second) ? 200 : second % 2 === 0 ? 0 : 503);
  }
  digest.add({ kind: 'phase', at: untilS * SECOND, phase: 'settled', seed: 1, open: 0 });
  return digest;
}

function alive(history: HistoryDigest, ...records: ReturnType<typeof fault>[]) {
  const windows = new FaultWindows(records);
  const { violations, counted } = checkAlive(history, windows, DEFAULT_BOUNDS, { records, origins: ORIGINS });
  const told = violations.kept.map(({ what }) => what);
  return { told, judged: counted['instancesJudged'], unjudged: counted['instancesUnjudged'] };
}

const until = (from: number, to: number) => (second: number) => second < from || second >= to;

describe('an instance that was hit', () => {
  it('is found dead though the other one answers, also behind its own door and with the whole database', () => {
    const silent = asked(200, (second) => second < 10);
    const inVain = (target: string) =>
      `command-api-1 was asked in vain for 189000 ms without any fault after #1 fault (${target}; bound 60000 ms)`;
    for (const target of ['command-api-1', 'command-api', 'postgres-1', 'postgres-1+2', 'postgres'])
      expect(alive(silent, { ...KILL, target }).told).toEqual([inVain(target)]);
  });

  it('may take its time, but not too long', () => {
    expect(alive(asked(200, until(10, 60)), KILL)).toEqual({ told: [], judged: 1, unjudged: 0 });
    expect(alive(asked(200, until(10, 90)), KILL).told).toHaveLength(1);
  });

  it('is not blamed for what it was not hit by', () => {
    const silent = asked(200, (second) => second < 10);
    for (const target of ['command-api-2', 'postgres-2', 'kafka-1', 'gateway-1', 'relay-1'])
      expect(alive(silent, { ...KILL, target }).told).toEqual([]);
  });

  it('is given the time of other faults on top', () => {
    expect(alive(asked(200, until(10, 90)), KILL, fault('kafka', 20 * SECOND, 60 * SECOND, 2)).told).toEqual([]);
  });

  it('is judged anew when its process is hit again, and not at all when that comes first', () => {
    const again = fault('command-api-1', 50 * SECOND, 50 * SECOND, 2);
    expect(alive(asked(200, until(10, 100)), KILL, again)).toEqual({ told: [], judged: 1, unjudged: 1 });
    expect(alive(asked(200, until(10, 120)), KILL, again).told).toEqual([expect.stringContaining('after #2 fault')]);
  });

  it('is not judged when the run ends first, or nobody asks it', () => {
    expect(alive(asked(60, until(10, 200)), KILL)).toEqual({ told: [], judged: 0, unjudged: 1 });
    const passedOver = asked(200, until(10, 180), (second) => second < 10 || second > 150);
    expect(alive(passedOver, KILL)).toEqual({ told: [], judged: 1, unjudged: 0 });
    expect(
      alive(
        asked(200, until(10, 200), (second) => second % 60 === 0),
        KILL,
      ).told,
    ).toEqual([]);
  });
});
