/**
 * Proves that every app starts before its database and its broker are there, says what it waits for, and works once they are; and that a
 * database which goes away later needs nobody's hand to be found again.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { KafkaJsBroker } from '#messaging';
import { createLogger } from '#platform';
import { freePorts } from '../../dev/ports.js';
import { createTestDatabase, waitFor, type TestDatabase } from '../harness/index.js';
import { anOrder, OwnApps, post, type OwnApp } from './own-apps.js';

/** A door to a server: nobody listens until it is opened, and shutting it cuts whoever is inside. */
class Door {
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();

  constructor(
    readonly port: number,
    private readonly target: { readonly host: string; readonly port: number },
  ) {}

  async open(): Promise<void> {
    this.server = createServer((inside) => {
      const outside = connect(this.target);
      for (const [socket, other] of [
        [inside, outside],
        [outside, inside],
      ] as const) {
        this.sockets.add(socket);
        socket.on('error', () => undefined).on('close', () => (this.sockets.delete(socket), other.destroy()));
        socket.pipe(other);
      }
    });
    await new Promise<void>((resolve) => this.server?.listen(this.port, '127.0.0.1', resolve));
  }

  async shut(): Promise<void> {
    const closed = new Promise((resolve) => (this.server === undefined ? resolve(undefined) : this.server.close(resolve)));
    this.sockets.forEach((socket) => socket.destroy());
    await closed;
  }
}

let database: TestDatabase;
let apps: OwnApps;
let databaseDoor: Door;
let brokerDoor: Door;
const running = new Map<string, OwnApp>();

beforeAll(async () => {
  database = await createTestDatabase();
  const [databasePort = 0, brokerPort = 0] = await freePorts(2);
  const url = new URL(database.url);
  databaseDoor = new Door(databasePort, { host: url.hostname, port: Number(url.port) });
  const [host = '', port = ''] = (inject('kafkaBrokers')[0] ?? '').split(':');
  brokerDoor = new Door(brokerPort, { host, port: Number(port) });
  url.port = String(databasePort);
  apps = await OwnApps.on(url.href, [`127.0.0.1:${brokerPort}`]);
});
afterAll(async () => {
  await apps.stop();
  await Promise.all([databaseDoor.shut(), brokerDoor.shut()]);
  await database.drop();
});

const WAITERS = ['command-api', 'query-api', 'relay', 'orchestrator', 'projector'] as const;
const has = (app: OwnApp, event: string): boolean => app.log().includes(`"event":"${event}"`);

async function orderIsConfirmed(reference: string): Promise<void> {
  const [commands, queries] = [running.get('command-api') as OwnApp, running.get('query-api') as OwnApp];
  const accepted = async (path: string, body: object): Promise<{ orderId: string }> =>
    await waitFor(
      async () => {
        const answer = await post(commands.url, path, `${reference}${path}`, body);
        return answer.status === 201 && ((await answer.json()) as { orderId: string });
      },
      { what: `${path} of ${reference}`, deadlineMs: 20_000 },
    );
  await accepted('/stock/EDGE-1/receipts', { quantity: 1 });
  const { orderId } = await accepted('/orders', anOrder(reference));
  await waitFor(
    async () => ((await (await fetch(`${queries.url}/orders/${orderId}`)).json()) as { status: string }).status === 'confirmed',
    { what: `order ${reference} being confirmed`, deadlineMs: 30_000 },
  );
}

it('every app waits for database and broker, and says so', async () => {
  running.set('gateway', await apps.start('gateway'));
  await Promise.all(WAITERS.map(async (name) => running.set(name, await apps.start(name))));
  for (const name of WAITERS) {
    const app = running.get(name) as OwnApp;
    const line = await waitFor(
      () =>
        has(app, 'app.waiting') &&
        app
          .log()
          .split('\n')
          .find((each) => each.includes('app.waiting')),
      {
        what: `${name} telling what it waits for`,
        deadlineMs: 40_000,
      },
    );
    expect(line).toMatch(/"for":\[\{"name":"\w+","reason":".+"/);
    expect(app.process.running).toBe(true);
    expect((await fetch(`${app.url}/health/ready`)).status).toBe(503);
  }
}, 90_000);

it('and works once they are there', async () => {
  await databaseDoor.open();
  await brokerDoor.open();
  const logger = createLogger({ app: 'spec', level: 'silent' });
  const admin = new KafkaJsBroker({ brokers: inject('kafkaBrokers'), clientId: 'spec', topicPrefix: apps.topicPrefix, logger }).admin();
  await admin.ensureTopics();
  await admin.close();
  for (const name of WAITERS) {
    const app = running.get(name) as OwnApp;
    await app.ready();
    await waitFor(() => has(app, 'app.ready'), { what: `${name} telling that it waits no more` });
  }
  await orderIsConfirmed('first');
}, 120_000);

it('a database that goes away later is found again by everybody', async () => {
  await databaseDoor.shut();
  await waitFor(async () => (await post((running.get('command-api') as OwnApp).url, '/orders', 'away', anOrder('away'))).status === 503, {
    what: 'a refusal',
    deadlineMs: 30_000,
  });
  await databaseDoor.open();
  await orderIsConfirmed('second');
  expect([...running.values()].filter(({ process }) => !process.running)).toEqual([]);
}, 120_000);
