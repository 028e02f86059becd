import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { APP_NAMES, spawnApp, urlsOf, waitForApp, type AppEnvironment, type AppName } from '../../dev/apps.js';
import type { ManagedProcess } from '../../dev/managed-process.js';
import { freePorts } from '../../dev/ports.js';
import { uniqueTopicPrefix } from '../harness/index.js';

export interface OwnApp {
  readonly url: string;
  readonly process: ManagedProcess;
  /** Resolves when it is ready. */
  ready(): Promise<void>;
  log(): string;
}

/** Apps as processes of their own, as many of each as a spec wants, against whatever database and broker it names. */
export class OwnApps {
  private readonly folder = mkdtempSync(join(tmpdir(), 'tidemark-edges-'));
  private readonly children: ManagedProcess[] = [];
  private started = 0;

  private constructor(private readonly environment: AppEnvironment) {}

  static async on(databaseUrl: string, kafkaBrokers: readonly string[] = inject('kafkaBrokers')): Promise<OwnApps> {
    const ports = await freePorts(APP_NAMES.length);
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-edges-'));
    return new OwnApps({
      databaseUrl,
      kafkaBrokers,
      topicPrefix: uniqueTopicPrefix(),
      gatewayBook: join(folder, 'gateway-book.ndjson'),
      ports: Object.fromEntries(APP_NAMES.map((app, index) => [app, ports[index]])) as Record<AppName, number>,
      host: '127.0.0.1',
      logDir: folder,
      logLevel: 'info',
    });
  }

  get topicPrefix(): string {
    return this.environment.topicPrefix;
  }

  /** The first of its kind listens where the others expect it, every further one on a port of its own. */
  async start(app: AppName, env: Readonly<Record<string, string>> = {}): Promise<OwnApp> {
    this.started += 1;
    const first = !this.children.some(({ name }) => name === app);
    const [port = 0] = await freePorts(1);
    const environment: AppEnvironment = {
      ...this.environment,
      ports: first ? this.environment.ports : { ...this.environment.ports, [app]: port },
      logDir: join(this.folder, String(this.started)),
      extraEnv: { [app]: env },
    };
    const child = await spawnApp(app, environment);
    this.children.push(child);
    const urls = urlsOf(environment);
    const names = { 'command-api': 'commandApi', 'query-api': 'queryApi' } as const;
    const url = urls[app in names ? names[app as keyof typeof names] : (app as 'relay')];
    return { url, process: child, ready: () => waitForApp(app, child, environment), log: () => readFileSync(child.logFile, 'utf8') };
  }

  async stop(): Promise<void> {
    this.children.forEach((child) => child.kill('SIGCONT'));
    await Promise.all(this.children.map((child) => child.stop('SIGTERM', 15_000)));
    for (const folder of [this.folder, this.environment.logDir]) rmSync(folder, { recursive: true, force: true });
  }
}

export const anOrder = (reference: string) => ({
  reference,
  customer: { id: 'edge-1' },
  currency: 'GBP',
  paymentToken: 'tok_ok',
  lines: [{ sku: 'EDGE-1', quantity: 1, unitPrice: 255 }],
});

export function post(url: string, path: string, key: string, body: object, timeoutMs = 20_000): Promise<Response> {
  return fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  });
}
