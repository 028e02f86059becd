/** Proves that the checks begin only when a stack really stands still, and that waiting ends. */
import { expect, it } from 'vitest';
import { isQuiet, waitForQuiet, StackActivity, type Activity } from './quiet.js';
import { SmallWorld } from './testing/small-world.js';

const QUIET: Activity = { outbox: 0, lag: 0, behind: 0, running: 0, parked: 0, deadLetters: 0, position: 7 };

function looks(...activities: Partial<Activity>[]) {
  let count = 0;
  const activity = {
    look: () => Promise.resolve({ ...QUIET, ...activities[Math.min(count++, activities.length - 1)] }),
  };
  return { activity, everyMs: 1, withinMs: 5_000, looked: () => count };
}

it('two quiet looks with no event in between are quiet', async () => {
  const source = looks({ outbox: 3 }, { lag: 1 }, {}, { position: 8 }, { position: 8 });
  expect(await waitForQuiet(source)).toEqual({ ...QUIET, position: 8 });
  expect(source.looked()).toBe(5);
});

it('parked fulfilments and dead letters are no reason to wait', async () => {
  expect(await waitForQuiet(looks({ parked: 2, deadLetters: 1 }))).toMatchObject({ parked: 2, deadLetters: 1 });
});

it('gives up in the end and tells what is still under way', async () => {
  const told: number[] = [];
  const source = { ...looks({ running: 1 }), withinMs: 20, onWait: ({ running }: Activity) => void told.push(running) };
  expect(await waitForQuiet(source)).toMatchObject({ running: 1 });
  expect(told.length).toBeGreaterThan(0);
});

it('a stack that cannot be looked at is not quiet, and waited for until it comes back', async () => {
  let count = 0;
  const told: (string | undefined)[] = [];
  const look = async (): Promise<Activity> => {
    count += 1;
    if (count < 3) throw new Error('connect ECONNREFUSED');
    // It says nothing of the time before, however quiet that was.
    if (count === 4) throw new Error('terminating connection');
    return QUIET;
  };
  const waiting = { activity: { look }, everyMs: 1, withinMs: 5_000, onWait: ({ unseen }: Activity) => void told.push(unseen) };
  expect(await waitForQuiet(waiting)).toEqual(QUIET);
  expect([count, told]).toEqual([6, ['connect ECONNREFUSED', 'connect ECONNREFUSED', 'terminating connection']]);
});

it.each([
  ['fails', () => Promise.reject(new Error('connect ECONNREFUSED')), 'connect ECONNREFUSED'],
  ['never answers', () => new Promise<never>(() => undefined), 'no answer within 5 ms'],
])('the waiting ends when every look %s, and what was seen last is told as not quiet', async (_, fail, unseen) => {
  let count = 0;
  const look = (): Promise<Activity> => (count++ === 0 ? Promise.resolve({ ...QUIET, parked: 3 }) : fail());
  const now = await waitForQuiet({ activity: { look }, everyMs: 1, withinMs: 20, lookWithinMs: 5 });
  expect([isQuiet(now), now]).toEqual([false, { ...QUIET, parked: 3, unseen }]);
});

it('sees a row in the outbox, a stream that was not projected, and a fulfilment that owes something', async () => {
  const world = await SmallWorld.create();
  const activity = new StackActivity(world.database, () => Promise.resolve(0));
  expect(await activity.look()).toMatchObject({ outbox: 0, behind: 0, running: 0, parked: 0, deadLetters: 0 });
  await world.tamper(`INSERT INTO tidemark.outbox (position, shard, stream_id) VALUES (1, 0, 'order-o1')`);
  await world.tamper(`UPDATE read.projection_positions SET version = 1 WHERE stream_id = 'order-o1' AND projection = 'orders'`);
  await world.tamper(
    `INSERT INTO tidemark.fulfilment_work (order_id, due_at, correlation_id, causation_id) VALUES ('o1', now(), 'a', 'b')`,
  );
  expect(await activity.look()).toMatchObject({ outbox: 1, behind: 1, running: 1 });
  await world.end();
});
