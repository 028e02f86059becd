import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ClientEffects } from '../../check/client-effects.js';
import { askedBy, EFFECT_OF, saidBy } from '../../check/command-story.js';
import type { Intent } from '../../history/history-record.js';
import { Random } from '../random.js';

interface Kept {
  readonly payload: string;
  readonly status: number;
  readonly body: string;
}

/** What this system does wrong, each with a chance from 0 to 1 a request. */
export interface Defects {
  /** Carries it out and drops the connection. */
  readonly dropsAnswer?: number;
  /** Does nothing and says 503. */
  readonly refuses?: number;
  /** Says 201 and forgets it. */
  readonly loses?: number;
  /** Does not remember keys. */
  readonly forgetsKeys?: boolean;
  /** Reads show the version before the last. */
  readonly readsStale?: number;
}

/** A command API and a query API in memory, on two ports, that keep the contract of idempotency keys as far as their defects let them. */
export class FakeSystem {
  readonly effects = new ClientEffects();
  readonly urls: string[] = [];
  private readonly servers: Server[] = [];
  private readonly answers = new Map<string, Kept>();
  private readonly versions = new Map<string, number>();
  private readonly random = new Random(7);
  private orders = 0;

  private constructor(private readonly defects: Defects) {}

  static async start(defects: Defects = {}): Promise<FakeSystem> {
    const system = new FakeSystem(defects);
    for (const _ of [1, 2]) {
      const server = createServer((request, response) => void system.handle(request, response));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      system.servers.push(server);
      system.urls.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    }
    return system;
  }

  /** One of the two instances goes away for good. */
  async stopInstance(index: number): Promise<void> {
    const server = this.servers[index]!;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.filter(({ listening }) => listening).map((_, index) => this.stopInstance(index)));
    for (const server of this.servers) if (server.listening) server.closeAllConnections();
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url!.split('?')[0]!;
    if (request.method === 'GET') return this.read(path, response);
    const { dropsAnswer = 0, refuses = 0 } = this.defects;
    if (this.random.chance(refuses)) return answer(response, 503, '{"code":"unavailable"}', { 'retry-after': '0' });
    const kept = this.execute(String(request.headers['idempotency-key']), path, Buffer.concat(chunks).toString());
    if (this.random.chance(dropsAnswer)) return void response.destroy();
    answer(response, kept.status, kept.body);
  }

  private execute(key: string, path: string, payload: string): Pick<Kept, 'status' | 'body'> {
    const known = this.defects.forgetsKeys ? undefined : this.answers.get(key);
    if (known !== undefined) return known.payload === path + payload ? known : { status: 422, body: '{"code":"idempotency-key-reused"}' };
    const intent = intentOf(path);
    const asked = askedBy({ intent, path, body: JSON.parse(payload) as Record<string, unknown> });
    const orderId = 'orderId' in asked ? asked.orderId : `o${(this.orders += 1)}`;
    const streamId = 'sku' in asked ? `stock-${asked.sku}` : `order-${orderId}`;
    const version = (this.versions.get(streamId) ?? 0) + 1;
    const commandId = `command ${this.answers.size}`;
    this.versions.set(streamId, version);
    if (!this.random.chance(this.defects.loses ?? 0)) {
      const named = JSON.parse(payload) as { reference?: string; reason?: string };
      const own = { key: named.reference ?? named.reason ?? null, streamId, version, causationId: commandId, commandId };
      this.effects.add({ ...own, type: EFFECT_OF[intent], says: saidBy(asked) });
    }
    const body = JSON.stringify({
      orderId,
      sku: 'sku' in asked ? asked.sku : undefined,
      version,
      consistencyToken: `${streamId}@${version}`,
      commandId,
    });
    const kept = { payload: path + payload, status: intent === 'cancel-order' ? 200 : 201, body };
    this.answers.set(key, kept);
    return kept;
  }

  private read(path: string, response: ServerResponse): void {
    const [, kind, name] = path.split('/');
    const version = this.versions.get(`${kind === 'orders' ? 'order' : 'stock'}-${decodeURIComponent(name!)}`) ?? 0;
    answer(response, 200, JSON.stringify({ version: this.random.chance(this.defects.readsStale ?? 0) ? version - 1 : version }));
  }
}

function intentOf(path: string): Exclude<Intent, `read-${string}`> {
  if (path === '/orders') return 'place-order';
  if (path.endsWith('/cancel')) return 'cancel-order';
  return path.endsWith('/receipts') ? 'receive-stock' : 'adjust-stock';
}

function answer(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}
