/** Proves: batches that come in together are committed together, and a bad one is found without harm to the others. */
import { setImmediate } from 'node:timers/promises';
import { GapError, PoisonEventError } from '#messaging';
import { createLogger } from '#platform';
import { ProjectionGapError, UnprojectableEventError, type Applied, type ProjectedEvent } from '#read-models/write';
import { describe, expect, it } from 'vitest';
import { ProjectionLane } from './projection-lane.js';

const logger = createLogger({ app: 'spec', level: 'silent' });
const NOTHING: Applied = { taken: new Map(), duplicates: 0 };

const events = (...streamIds: string[]): ProjectedEvent[] =>
  streamIds.map((streamId) => ({ id: streamId, streamId, version: 1, type: 'T', data: {}, occurredAt: '', recordedAt: '', actor: 'spec' }));

/** Live tables that refuse the streams named, and note what was committed together. */
function lane(refuse: Record<string, Error> = {}) {
  const commits: string[][] = [];
  const gates: (() => void)[] = [];
  const live = {
    names: ['orders'],
    apply: async (batch: readonly ProjectedEvent[]) => {
      await new Promise<void>((resolve) => void gates.push(resolve));
      for (const { streamId } of batch) if (refuse[streamId] !== undefined) throw refuse[streamId];
      commits.push(batch.map(({ streamId }) => streamId));
      return NOTHING;
    },
    findRefused: async (batch: readonly ProjectedEvent[]) => {
      const event = batch.find(({ streamId }) => refuse[streamId] !== undefined);
      return event && { event, sqlState: '22001' };
    },
  };
  const made = new ProjectionLane({ live, logger });
  /** Lets transactions through, one after the other, until none waits any more. */
  const open = async (): Promise<void> => {
    for (let idle = 0; idle < 5;) {
      await setImmediate();
      const gate = gates.shift();
      idle = gate === undefined ? idle + 1 : 0;
      gate?.();
    }
  };
  return { lane: made, commits, open };
}

describe('a lane', () => {
  it('commits what comes in one turn of the event loop together, and then what came meanwhile', async () => {
    const { lane: subject, commits, open } = lane();
    const fetched = ['a', 'b', 'c'].map((id) => subject.apply(events(id)));
    await setImmediate();
    const meanwhile = ['d', 'e'].map((id) => subject.apply(events(id)));
    await open();
    await Promise.all([...fetched, ...meanwhile]);
    expect(commits).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]);
  });

  it('merges only so much, and never cuts a batch', async () => {
    const { lane: subject, commits, open } = lane();
    const big = events(...Array.from({ length: 3_000 }, (_, n) => `s${n}`));
    const huge = events(...Array.from({ length: 6_000 }, (_, n) => `s${n}`));
    const all = Promise.all([events('a'), big, big, huge, events('z')].map((batch) => subject.apply(batch)));
    await open();
    await all;
    expect(commits.map(({ length }) => length)).toEqual([3_001, 3_000, 6_000, 1]);
  });

  it('tells only the guilty partition of a gap', async () => {
    const { lane: subject, commits, open } = lane({ b: new ProjectionGapError('orders', 'b', 1, 3) });
    const outcomes = Promise.allSettled(['first', 'a', 'b', 'c'].map((id) => subject.apply(events(id))));
    await open();
    const [, a, b, c] = await outcomes;
    expect([a!.status, c!.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(b).toMatchObject({ reason: { gaps: [{ streamId: 'b', expected: 1, received: 3 }] } });
    expect((b as PromiseRejectedResult).reason).toBeInstanceOf(GapError);
    expect(commits).toEqual([['first'], ['a'], ['c']]);
  });

  it('names the event that can never be applied, and the one that the database refuses', async () => {
    const [bad] = events('bad');
    const { lane: subject, open } = lane({
      bad: new UnprojectableEventError('orders', bad!, new TypeError('no lines')),
      refused: Object.assign(new Error('value too long'), { code: '22001' }),
    });
    const outcomes = Promise.allSettled([subject.apply(events('a', 'bad')), subject.apply(events('b', 'refused'))]);
    await open();
    const [first, second] = (await outcomes) as PromiseRejectedResult[];
    expect(first!.reason).toBeInstanceOf(PoisonEventError);
    expect(first!.reason).toMatchObject({ code: 'unprojectable', event: { streamId: 'bad' } });
    expect(second!.reason).toMatchObject({ code: 'refused-by-database', event: { streamId: 'refused' } });
    // they are logged, and a payload must not be
    expect([first!.reason, second!.reason].map(({ event }) => 'data' in event)).toEqual([false, false]);
  });

  it("blames nobody for what is nobody's fault", async () => {
    const { lane: subject, commits, open } = lane({ b: new Error('connection lost') });
    const outcomes = Promise.allSettled(['a', 'b'].map((id) => subject.apply(events(id))));
    await open();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(commits).toEqual([]);
  });

  it('hands on what may heal, remembers it, and forgets it when something goes well', async () => {
    const refuse: Record<string, Error> = { a: new Error('connection lost') };
    const { lane: subject, open } = lane(refuse);
    const failing = subject.apply(events('a'));
    failing.catch(() => undefined);
    await open();
    await expect(failing).rejects.toThrow('connection lost');
    expect(subject.lastFailure?.reason).toBe('connection lost');
    delete refuse['a'];
    const again = subject.apply(events('a'));
    await open();
    await again;
    expect(subject.lastFailure).toBeUndefined();
  });
});
