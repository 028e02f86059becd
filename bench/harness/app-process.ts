import { join } from 'node:path';
import { spawnApp, waitForApp, type AppEnvironment, type AppName } from '../../dev/apps.js';
import { freePorts } from '../../dev/ports.js';
import type { BenchContext } from './bench-context.js';

/** What an app is given; what it does not need may be left out. */
export interface AppPlace {
  readonly databaseUrl?: string;
  /** `host:port` of the broker. */
  readonly broker?: string;
  readonly topicPrefix?: string;
  readonly gatewayUrl?: string;
}

export interface AppProcess {
  readonly url: string;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
let started = 0;

/** One process of an app, as `npm start` runs it, on a free port, with logs and books in a folder of its own. It is ready when this resolves. */
export async function startApp(context: BenchContext, app: AppName, place: AppPlace): Promise<AppProcess> {
  const [port = 0] = await freePorts(1);
  const folder = join(context.folder, `${app}-${(started += 1)}`);
  const environment: AppEnvironment = {
    databaseUrl: place.databaseUrl ?? '',
    kafkaBrokers: place.broker === undefined ? [] : [place.broker],
    topicPrefix: place.topicPrefix ?? 'bench',
    gatewayBook: join(folder, 'book.ndjson'),
    ports: { gateway: port, relay: port, orchestrator: port, projector: port, 'query-api': port, 'command-api': port },
    host: HOST,
    logDir: folder,
    logLevel: 'warn',
    extraEnv: { ...(place.gatewayUrl !== undefined && { orchestrator: { GATEWAY_URL: place.gatewayUrl } }) },
  };
  const child = await spawnApp(app, environment);
  const stop = async (): Promise<void> => void (await child.stop());
  context.onClose(stop);
  await waitForApp(app, child, environment);
  return { url: `http://${HOST}:${port}`, stop };
}
