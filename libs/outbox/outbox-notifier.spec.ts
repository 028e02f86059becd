// Proves that a commit wakes the relay at once, that a burst costs few notifications, and that listening outlives lost connections.
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { createTestDatabase, waitFor } from '../../test/harness/index.js';
import { OutboxListener } from './outbox-listener.js';
import { OutboxNotifier } from './outbox-notifier.js';
import { outboxFixture, RecordingPublisher, silent, type OutboxFixture } from './testing/outbox-fixture.js';

let outbox: OutboxFixture;
const listeners: OutboxListener[] = [];

beforeAll(async () => {
  outbox = await outboxFixture({ createTestDatabase, waitFor });
});
afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close()));
  await outbox.reset();
});
afterAll(async () => {
  await outbox.close();
});

async function listening(onWake: () => void): Promise<void> {
  const listener = new OutboxListener({ databaseUrl: outbox.url, logger: silent, onWake, retryMs: 20 });
  listeners.push(listener);
  listener.start();
  await waitFor(async () => (await sessions(`query = 'LISTEN tidemark_outbox'`)) === 1, { what: 'the listener to listen' });
}

const sessions = async (where: string): Promise<number> =>
  (
    await outbox.pool.query(
      `SELECT FROM pg_stat_activity WHERE application_name = 'tidemark-outbox-listener' AND datname = current_database() AND ${where}`,
    )
  ).rowCount ?? 0;

it('a notification wakes a relay that would otherwise sleep', async () => {
  const broker = new RecordingPublisher();
  const relay = outbox.relay(broker, { pollMs: 600_000 });
  await listening(() => relay.wake());
  relay.start();
  await waitFor(() => relay.health().lastPassAt !== null);
  await outbox.insert('order-a', [1]);
  new OutboxNotifier({ pool: outbox.pool, logger: silent }).notify();
  await waitFor(() => broker.sent.length === 1, { deadlineMs: 5_000 });
});

it('a burst costs a first notification and one for the rest', async () => {
  const query = vi.fn<() => Promise<never>>(async () => undefined as never);
  const notifier = new OutboxNotifier({ pool: { query } as never, logger: silent, minIntervalMs: 1 });
  for (let n = 0; n < 1_000; n += 1) notifier.notify();
  await waitFor(() => query.mock.calls.length === 2);
  await notifier.close();
  expect(query.mock.calls).toEqual([['NOTIFY tidemark_outbox'], ['NOTIFY tidemark_outbox']]);
});

it('closing sends what is due, and nothing after', async () => {
  const query = vi.fn<() => Promise<never>>(async () => undefined as never);
  const notifier = new OutboxNotifier({ pool: { query } as never, logger: silent, minIntervalMs: 600_000 });
  notifier.notify();
  notifier.notify();
  await notifier.close();
  notifier.notify();
  expect(query).toHaveBeenCalledTimes(2);
});

it('a notification that cannot be sent is logged and does not disturb the command', async () => {
  const warn = vi.fn<(line: object) => void>();
  const pool = { query: async () => Promise.reject(new Error('no database')) } as never;
  const notifier = new OutboxNotifier({ pool, logger: { warn }, minIntervalMs: 1 });
  notifier.notify();
  await waitFor(() => warn.mock.calls.length === 1);
  expect(warn).toHaveBeenCalledWith({ event: 'outbox.notify.failed', err: expect.any(Error) });
  notifier.notify();
  await waitFor(() => warn.mock.calls.length === 2);
  await notifier.close();
});

it('a listener that lost its connection listens again, and wakes for what it missed', async () => {
  const onWake = vi.fn<() => void>();
  await listening(onWake);
  for (let round = 0; round < 3; round += 1) {
    const { rows } = await outbox.pool.query<{ pid: number }>(
      `SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tidemark-outbox-listener' AND datname = current_database()`,
    );
    onWake.mockClear();
    const killed = rows.map(({ pid }) => pid).join();
    await waitFor(async () => (await sessions(`query = 'LISTEN tidemark_outbox' AND pid NOT IN (${killed})`)) === 1, {
      what: 'a new listener',
    });
    await waitFor(() => onWake.mock.calls.length > 0, { what: 'a wake-up for what was missed' });
  }
  onWake.mockClear();
  await outbox.pool.query('NOTIFY tidemark_outbox');
  await waitFor(() => onWake.mock.calls.length > 0);
});

it('a listener starts even when the database is not there yet', async () => {
  const warn = vi.fn<(line: object) => void>();
  const listener = new OutboxListener({
    databaseUrl: 'postgres://nobody@127.0.0.1:1/none',
    logger: { ...silent, warn },
    onWake: () => undefined,
    retryMs: 5,
  });
  listener.start();
  await waitFor(() => warn.mock.calls.length >= 3, { what: 'more tries' });
  await listener.close();
});
