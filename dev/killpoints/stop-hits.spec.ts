/** A standstill counts as a hit only when the log shows that something was lost, and that there is a new one of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Random } from '../chaos/load/random.js';
import { instanceNamed } from '../chaos/stack/instance.js';
import { ManagedProcess } from '../managed-process.js';
import { NotReached, type HitContext, type MadeHit } from './injector.js';
import { KILL_POINTS } from './kill-points.js';
import { lossIn, stopHit } from './stop-hits.js';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-stop-hits-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Stops a process that logs this when it finds that time has passed without it. */
async function stopped(events: readonly string[]): Promise<MadeHit> {
  const log = (names: readonly string[]): string =>
    `for (const event of ${JSON.stringify(names)}) console.log(JSON.stringify({ pid: process.pid, event }));`;
  const watch = `setInterval(() => { if (Date.now() - at > 500) { ${log(events)} } at = Date.now(); }, 5);`;
  const child = await ManagedProcess.start({
    name: 'relay',
    command: process.execPath,
    args: ['-e', `let at = Date.now(); ${watch} ${log(['app.started'])}`],
    logFile: join(folder, `${events[0]}.log`),
  });
  const context: HitContext = {
    stack: { processOf: () => child, isReady: async () => child.logTail().includes('app.started') } as unknown as HitContext['stack'],
    point: KILL_POINTS[0]!,
    action: 'stop',
    instance: instanceNamed('relay-1'),
    random: new Random(1),
    signal: new AbortController().signal,
  };
  try {
    return await stopHit({ kind: 'signal', standsStillMs: [1_000, 1_000], loses: 'session' }, context);
  } finally {
    await child.stop('SIGKILL');
  }
}

it('counts when the process says so after it went on', async () => {
  const { startedAt, healedAt, note } = await stopped(['other', 'kafka.consumer.joined']);
  expect(note).toBe('kafka.consumer.joined');
  expect(healedAt - startedAt).toBeGreaterThanOrEqual(990);
});

it('does not count when nothing was lost', async () => {
  await expect(stopped(['kafka.consumer.rebalancing', 'kafka.consumer.joined'])).rejects.toThrow(NotReached);
});

it.each([
  [['health.changed', 'relay.session.lost', 'relay.round.failed', 'relay.session.opened'], 'relay.session.lost, relay.session.opened'],
  [['relay.round.failed', 'relay.session.opened'], 'relay.round.failed, relay.session.opened'],
  [['relay.session.lost'], undefined],
  [['relay.round.failed'], undefined],
  // it had none when it was stopped
  [['relay.session.opened'], undefined],
  [['relay.session.opened', 'relay.session.lost'], undefined],
  [[], undefined],
])('a relay that logs %j', (events, loss) => {
  expect(lossIn(events, 'lock')).toBe(loss);
});

it.each([
  [['health.changed', 'kafka.consumer.joined', 'kafka.consumer.rebalancing'], 'kafka.consumer.joined'],
  [['kafka.consumer.crashed', 'kafka.consumer.joined'], 'kafka.consumer.joined'],
  [['kafka.consumer.rebalancing', 'kafka.consumer.joined'], 'kept'],
  [['kafka.consumer.broker-back'], undefined],
  [[], undefined],
])('a consumer that logs %j', (events, loss) => {
  expect(lossIn(events, 'session')).toBe(loss);
});
