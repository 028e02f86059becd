/** Proves that I6 (reads), I9, I10, I11 and I12 see what never ends, hangs, grows, stays silent or answers what it must not. */
import { describe, expect, it } from 'vitest';
import type { Poison } from '../history/history-record.js';
import type { ProcessSample, ResourceSample } from '../history/resource-sample.js';
import { checkAlive } from './alive.check.js';
import { DEFAULT_BOUNDS, growthWithClients } from './bounds.js';
import { checkDeadLetters, type DeadLetterInputs } from './dead-letters.check.js';
import { FaultWindows } from './fault-windows.js';
import { checkResources } from './resources.check.js';
import { checkSagas, type SagaInputs } from './sagas.check.js';
import { ended, KEY, SmallHistory } from './testing/small-run.js';
import { topicPlace } from './topic-place.js';
import type { Judgement } from './violations.js';

const found = ({ violations }: Judgement) => violations.kept.map(({ what }) => what);
const NO_FAULTS = new FaultWindows([]);
const fault = (startedAt: number, healedAt: number) => ({ startedAt, healedAt });
const MINUTE = 60_000;
/** As in a run: one every ten seconds for an hour, each on for `forMs`. */
const everyTenSeconds = (forMs: number) =>
  new FaultWindows(Array.from({ length: 360 }, (_, index) => fault(index * 10_000, index * 10_000 + forMs)));

describe('the time without a fault', () => {
  const faults = new FaultWindows([fault(100, 200), fault(150, 300), fault(900, 1_000)]);

  it.each([
    [0, 50, 50],
    [0, 1_000, 700],
    [120, 250, 0],
    [120, 350, 50],
    [950, 1_500, 500],
    [250, 2_000, 1_600],
  ])('from %i to %i is %i', (from, to, quiet) => expect(faults.quietBetween(from, to)).toBe(quiet));
});

describe('I9, sagas', () => {
  const sagas = (orders: SagaInputs['orders'], other: Partial<SagaInputs> = {}) =>
    found(
      checkSagas({
        accepted: new SmallHistory().order().digest.acceptedOrders(),
        orders,
        openReservations: [],
        faults: NO_FAULTS,
        bounds: { sagaMs: 1_000, sagaWallMs: 10_000 },
        ...other,
      }),
    );

  it('holds for an order that ended', () => expect(sagas([ended()])).toEqual([]));

  it('finds an order that was accepted and is not there', () => expect(sagas([])).toEqual(['order o1 was accepted and is not there']));

  it.each([
    ['never began', { status: 'OrderPlaced', startedAt: null, completedAt: null, outcome: null }],
    ['has not ended', { status: 'OrderPlaced', completedAt: null, outcome: null }],
  ] as const)('finds an order whose fulfilment %s', (how, facts) => {
    expect(sagas([ended(facts)])).toEqual([`order o1 is OrderPlaced, its fulfilment ${how}`]);
  });

  it('finds an order that ended otherwise than its fulfilment', () => {
    expect(sagas([ended({ status: 'OrderCancelled' })])).toEqual(['order o1 is OrderCancelled, its fulfilment confirmed']);
  });

  it('finds one that took too long, but only counts time without a fault', () => {
    const slow = ended({ completedAt: 4_000 });
    expect(sagas([slow])).toEqual(['order o1 took 3000 ms without any fault to end (bound 1000 ms)']);
    expect(sagas([slow], { faults: new FaultWindows([fault(1_500, 3_500)]) })).toEqual([]);
  });

  it.each([
    ['is off half of the time', 5_000, 'order o1 took 450000 ms without any fault to end (bound 120000 ms)'],
    ['is nearly always on', 9_500, 'order o1 took 900000 ms to end (bound 600000 ms)'],
  ])('finds one that was stuck for a quarter of an hour while one fault followed the other, each of which %s', (_, forMs, what) => {
    const stuck = ended({ placedAt: MINUTE, startedAt: MINUTE + 100, firstCompletedAt: 16 * MINUTE, completedAt: 16 * MINUTE });
    expect(sagas([stuck], { faults: everyTenSeconds(forMs), bounds: DEFAULT_BOUNDS })).toEqual([what]);
  });

  it('finds one that was stuck before it was confirmed, also when it was cancelled and refunded at once an hour later', () => {
    const late = { status: 'OrderCancelled', outcome: 'cancelled', cancelledFrom: 'confirmed', cancelledAt: 60 * MINUTE } as const;
    const stuck = ended({ ...late, firstCompletedAt: 15 * MINUTE, completedAt: 60 * MINUTE + 500 });
    expect(sagas([stuck], { faults: everyTenSeconds(5_000), bounds: DEFAULT_BOUNDS })).toHaveLength(1);
  });

  it('does not count the time in which it waited for an operator', () => {
    const letGoOn = ended({ everParked: true, parkedTimes: [1_500, 50 * MINUTE], completedAt: 50 * MINUTE + 500 });
    expect(sagas([letGoOn])).toEqual([]);
    expect(sagas([{ ...letGoOn, completedAt: 51 * MINUTE }])).toEqual(['order o1 took 60500 ms without any fault to end (bound 1000 ms)']);
  });

  it('gives a gateway that owes failures the time for them, when the pauses are long already', () => {
    const slow = ended({ completedAt: 62_000 });
    expect(sagas([{ ...slow, payment: { ...slow.payment!, token: 'tok_fail_2' } }])).toEqual([]);
    expect(sagas([{ ...slow, payment: { ...slow.payment!, token: 'tok_fail_1' } }])).toHaveLength(1);
  });

  it('counts the second half of a late cancellation from the cancellation', () => {
    const late = {
      status: 'OrderCancelled',
      outcome: 'cancelled',
      cancelledFrom: 'confirmed',
      cancelledAt: 90_000,
      completedAt: 90_500,
    } as const;
    expect(sagas([ended(late)])).toEqual([]);
  });

  it('lets only a payment that never can be made wait for an operator', () => {
    const parked = ended({ parked: true, status: 'OrderPlaced', outcome: null, completedAt: null });
    expect(sagas([parked])).toEqual(['order o1 is parked, though its gateway would have helped']);
    expect(sagas([{ ...parked, payment: { ...parked.payment!, token: 'tok_down' } }])).toEqual([]);
  });

  it('finds a reservation of an order that has ended', () => {
    const openReservations = [{ sku: 'MUG', orderId: 'o1', pieces: 3 }];
    expect(sagas([ended()], { openReservations })).toEqual(['3 of MUG are still reserved for order o1, which has ended']);
  });
});

describe('I10, dead letters', () => {
  const poison: Poison = {
    kind: 'poison',
    at: 1,
    topic: 'tidemark.order',
    partition: 2,
    offset: '7',
    streamId: 'order-p',
    what: 'bad-json',
    sha256: 'as sent',
  };
  const letter = {
    group: 'projector',
    topic: 'tidemark.order',
    partition: 2,
    offset: '7',
    streamId: 'order-p',
    code: 'value-malformed',
    state: 'held',
    sha256: 'as sent',
    recordedAt: 1_000,
    resolvedAt: null,
  };
  const both = [letter, { ...letter, group: 'orchestrator' }];
  const parked = both.map(({ group, streamId, code }) => ({ group, streamId, code }));
  const letters = (inputs: Partial<DeadLetterInputs>) =>
    found(
      checkDeadLetters({
        poison: [poison],
        letters: both,
        copies: new Map(
          (inputs.letters ?? both).map((each) => [
            `${each.group} ${topicPlace({ ...each, topic: each.topic ?? '' })}`,
            new Set(['as sent']),
          ]),
        ),
        parked,
        orders: [ended()],
        faults: NO_FAULTS,
        bounds: { streamBlockedMs: 1_000, streamBlockedWallMs: 10_000 },
        ...inputs,
      }),
    );

  it('holds when the poison is there and what waits behind it', () => {
    const behind = { ...letter, offset: '9', code: 'stream-parked' };
    expect(letters({ letters: [...both, behind] })).toEqual([]);
  });

  it('finds poison that nobody set aside, and such as one group swallowed', () => {
    const missed = (group: string) => `bad-json at order/2@7 is not among the dead letters of ${group}`;
    expect(letters({ letters: [] })).toEqual([missed('orchestrator'), missed('projector')]);
    expect(letters({ letters: [both[0]!] })).toEqual([missed('orchestrator')]);
    expect(letters({ letters: [both[1]!] })).toEqual([missed('projector')]);
  });

  it('expects of the saga no events that are none of its concern, and of a topic that only one reads only one', () => {
    expect(letters({ letters: [letter], poison: [{ ...poison, what: 'unknown-type' }] })).toEqual([]);
    const ofStock = { topic: 'tidemark.stock' };
    expect(letters({ letters: [{ ...letter, ...ofStock }], poison: [{ ...poison, ...ofStock }] })).toEqual([]);
    expect(letters({ letters: [], poison: [{ ...poison, topic: 'tidemark.payment' }] })).toEqual([
      'nobody reads tidemark.payment, where bad-json was put',
    ]);
  });

  it('finds poison that was not kept as it was sent', () => {
    expect(letters({ letters: [letter, { ...both[1]!, sha256: 'otherwise' }] })).toEqual([
      'orchestrator did not keep bad-json at order/2@7 as it was sent',
    ]);
  });

  it('finds poison whose copy is not on the dead-letter topic, or not as it was sent', () => {
    const copy = (group: string, sha256: string) => [`${group} order/2@7`, new Set(['as sent', sha256])] as const;
    expect(letters({ copies: new Map([copy('projector', 'as sent')]) })).toEqual([
      'orchestrator put no copy of bad-json at order/2@7 on the dead-letter topic',
    ]);
    expect(letters({ copies: new Map([copy('projector', 'otherwise'), copy('orchestrator', 'as sent')]) })).toEqual([
      'the copy projector made of bad-json at order/2@7 is not as it was sent',
    ]);
  });

  it('finds what was left behind when its stream went on, and what was held long after that', () => {
    expect(letters({ parked: parked.slice(1) })).toEqual([
      'projector goes on with order-p and left order/2@7 behind among its dead letters',
    ]);
    const released = { ...letter, offset: '9', code: 'stream-parked', state: 'released', resolvedAt: 9_000 };
    expect(letters({ letters: [...both, released], faults: new FaultWindows([fault(900, 9_100)]) })).toEqual([]);
    expect(letters({ letters: [...both, released], faults: new FaultWindows([fault(900, 4_000)]) })).toEqual([
      'projector held order/2@9 for 5000 ms without any fault (bound 1000 ms)',
    ]);
  });

  it('finds a dead letter that is no poison, and a stream held back for nothing', () => {
    expect(letters({ letters: [...both, { ...letter, offset: '8', streamId: null }] })).toEqual([
      'projector could not take order/2@8 (value-malformed), and nobody put it there',
    ]);
    expect(letters({ parked: [...parked, { group: 'projector', streamId: 'order-o1', code: 'unknown-type' }] })).toEqual([
      'projector holds back order-o1 (unknown-type), and nobody poisoned it',
    ]);
    expect(
      letters({ letters: [...both, { ...letter, group: 'outbox', topic: null, streamId: 'order-o1', code: 'too-large' }] }),
    ).toHaveLength(1);
  });

  it('finds a stream that was held up', () => {
    expect(letters({ orders: [ended({ startedAt: 9_000 })] })).toEqual([
      'order o1 waited 8000 ms without any fault before its fulfilment began (bound 1000 ms)',
    ]);
    const inTheEnd = { orders: [ended({ placedAt: 0, startedAt: 15 * MINUTE })], bounds: DEFAULT_BOUNDS };
    expect(letters({ ...inTheEnd, faults: everyTenSeconds(5_000) })).toEqual([
      'order o1 waited 450000 ms without any fault before its fulfilment began (bound 90000 ms)',
    ]);
    expect(letters({ ...inTheEnd, faults: everyTenSeconds(9_500) })).toEqual([
      'order o1 waited 900000 ms before its fulfilment began (bound 300000 ms)',
    ]);
  });
});

describe('I11, bounds', () => {
  const MIB = 1_024 * 1_024;
  const life = (rss: (index: number) => number, other: Partial<ProcessSample> = {}): ResourceSample[] =>
    Array.from({ length: 120 }, (_, index) => ({
      kind: 'process',
      at: index * 1_000,
      name: 'relay-1',
      pid: 7,
      rssBytes: rss(index) * MIB,
      fds: 40,
      ...other,
    }));
  const end: ResourceSample = { kind: 'stack', at: 200_000, outbox: 0, lag: 0, connections: { relay: 4 } };
  const bounded = (...samples: ResourceSample[]) => found(checkResources(samples, DEFAULT_BOUNDS));

  it('holds for a process that grows into its work, jumps about, and stays where it is', () => {
    expect(bounded(...life((index) => Math.min(200, 60 + index * 5) + (index % 7) * 15), end)).toEqual([]);
  });

  it('finds one that goes on growing', () => {
    expect(bounded(...life((index) => 100 + index * 3), end)).toEqual(['relay-1 (7) grew from 235 MiB to 370 MiB']);
  });

  it('does not take for growth what a burst took and the collector has not yet looked at', () => {
    expect(bounded(...life((index) => (index < 85 || index > 112 ? 190 : 320)), end)).toEqual([]);
  });

  it('does not take a restarted process for the one before', () => {
    const before = life(() => 100);
    const after = life(() => 400, { pid: 8 });
    expect(bounded(...before, ...after, end)).toEqual([]);
  });

  it('finds leaking file descriptors, and what is above the absolute limits', () => {
    const leaking = life(() => 100).map((sample, index) => ({ ...sample, fds: 40 + 2 * index }));
    expect(bounded(...(leaking as ResourceSample[]), end)).toEqual(['relay-1 (7) grew from 130 to 250 file descriptors']);
    expect(bounded(...life(() => 2_000, { fds: 5_000 }), end)).toHaveLength(2);
  });

  it('lets only those have more file descriptors whose clients may hold them, each app by its own measure', () => {
    const growing = (name: string, by: number) =>
      life(() => 100, { name }).map((sample, index) => ({ ...sample, fds: index < 75 ? 40 : 40 + by }) as ResourceSample);
    const limits = { ...DEFAULT_BOUNDS, growthFds: growthWithClients({ 'command-api': 256 }) };
    const judged = checkResources([...growing('command-api-1', 316), ...growing('relay-2', 60), ...growing('relay-1', 61), end], limits);
    expect(found(judged)).toEqual(['relay-1 (7) grew from 40 to 101 file descriptors']);
    expect(judged.counted).toMatchObject({ judged: 3, 'judged command-api': 1, 'judged relay': 2 });
    expect(found(checkResources([...growing('command-api-1', 317), end], limits))).toHaveLength(1);
  });

  it('finds more connections than the pools of an app have, but for a moment after a death', () => {
    const held = (...counts: number[]) =>
      bounded(
        ...life(() => 100),
        ...counts.map((count, index) => ({ ...end, at: 100_000 + index * 10_000, connections: { 'tidemark-relay': count } })),
        { ...end, connections: {} },
      );
    expect(held(8, 8, 9, 8, 9)).toEqual([]);
    expect(held(8, 9, 9)).toEqual(['tidemark-relay held 9 connections to PostgreSQL (limit 8)']);
  });

  it('finds work left at the end, also when nobody looked', () => {
    expect(bounded(...life(() => 100), { ...end, lag: 12 })).toEqual(['lag was 12 at the end']);
    expect(bounded()).toEqual([
      'outbox was never looked at at the end',
      'lag was never looked at at the end',
      'no process was ever looked at',
    ]);
  });
});

describe('I12, alive', () => {
  const alive = (history: SmallHistory, faults = NO_FAULTS) =>
    found(checkAlive(history.digest, faults, { firstSuccessMs: 100, instanceSuccessMs: 1_000 }));

  it('holds when a command succeeds soon after a healing', () => {
    expect(
      alive(new SmallHistory().order('none').order({}, { attempt: 'retry' }).settled(), new FaultWindows([fault(1_000, 1_025)])),
    ).toEqual([]);
  });

  it('finds silence after a healing, for commands and for reads', () => {
    const history = new SmallHistory().order('none');
    history.read('order-o1@1', { status: 503, retryAfter: 1 });
    history.at = 5_000;
    history.order({}, { attempt: 'retry' }).settled();
    expect(alive(history, new FaultWindows([fault(500, 1_000)]))).toEqual([
      'after the healing at 1970-01-01T00:00:01.000Z no command succeeded before 4020 ms (bound 100 ms)',
      'after the healing at 1970-01-01T00:00:01.000Z no read succeeded at all (bound 100 ms)',
    ]);
  });

  it('judges nothing when the next fault comes first, or nobody asked', () => {
    const history = new SmallHistory();
    history.at = 8_000;
    history.order().settled();
    expect(alive(history, new FaultWindows([fault(500, 1_000)]))).toEqual([]);
    const cutOff = new SmallHistory().order('none');
    cutOff.at = 8_000;
    cutOff.order({}, { attempt: 'retry' }).settled();
    expect(alive(cutOff, new FaultWindows([fault(500, 1_000), fault(1_050, 7_990)]))).toEqual([]);
  });

  it('finds that most healings could not be judged', () => {
    const silentUntil = (at: number) => {
      const history = new SmallHistory().order('none').read('order-o1@1', { status: 503, retryAfter: 1 });
      history.at = at;
      return history
        .order({}, { attempt: 'retry' })
        .read('order-o1@1', { body: { version: 1 } })
        .settled();
    };
    const faults = (count: number) => new FaultWindows(Array.from({ length: count }, (_, n) => fault(1_000 + n * 90, 1_080 + n * 90)));
    expect(alive(silentUntil(1_240), faults(3))).toEqual([]);
    expect(alive(silentUntil(1_420), faults(5))).toEqual([
      'only 2 of 5 healings could be judged by the first command after them',
      'only 1 of 5 healings could be judged by the first read after them',
    ]);
  });

  it.each([
    ['a surprise 500', { status: 500, code: 'internal-error', body: null }, '500 internal-error'],
    ['a 503 that does not say when', { status: 503, code: 'unavailable', body: null }, '503 unavailable'],
    ['a 404 for what was accepted', { status: 404, code: 'order.not-found', body: null }, '404 order.not-found'],
    ['a 400 for what is well-formed', { status: 400, code: 'validation-failed', body: null }, '400 validation-failed'],
  ])('finds %s', (_, answer, told) => {
    expect(alive(new SmallHistory().order().order(answer, { attempt: 'repeat' }).settled())).toEqual([
      `place-order /orders was answered ${told}`,
    ]);
  });

  it('finds a command that never got its final answer, and a load that was not settled', () => {
    expect(alive(new SmallHistory().order('none').settled())).toEqual([`place-order ${KEY} never got a final answer`]);
    expect(alive(new SmallHistory().order())).toEqual(['the load was never settled']);
  });
});

describe('reads with a token', () => {
  const stale = (answer: object) =>
    new SmallHistory()
      .order()
      .read('order-o1@2', answer)
      .digest.complaints.map(({ of, what }) => [of, what]);

  it('must show at least the version of the token', () => {
    expect(stale({ body: { version: 2 } })).toEqual([]);
    expect(stale({ body: { version: 1 } })).toEqual([['stale-read', 'read-order /orders/o1 showed version 1, its token says order-o1@2']]);
    expect(stale({ body: null })).toHaveLength(1);
  });

  it('may be refused for a while, but not denied', () => {
    expect(stale({ status: 503, code: 'projection-behind', retryAfter: 1 })).toEqual([]);
    expect(stale({ status: 404, code: 'order.not-found' })).toEqual([
      ['surprise', 'read-order /orders/o1 was answered 404 order.not-found'],
    ]);
  });
});
