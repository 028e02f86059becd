import { spawnApp, urlsOf, waitForApp, type AppEnvironment, type AppName } from '../../dev/apps.js';
import { freePorts } from '../../dev/ports.js';
import type { BenchContext } from '../harness/bench-context.js';

/** One app of Tidemark alone, as `npm start` runs it, on a database. Answers its address. */
export async function startApp(context: BenchContext, app: AppName, databaseUrl: string): Promise<string> {
  const [port = 0] = await freePorts(1);
  const environment: AppEnvironment = {
    databaseUrl,
    kafkaBrokers: [],
    topicPrefix: '',
    gatewayBook: '',
    ports: { gateway: port, relay: port, orchestrator: port, projector: port, 'query-api': port, 'command-api': port },
    host: '127.0.0.1',
    logDir: context.folder,
    logLevel: 'warn',
  };
  const child = await spawnApp(app, environment);
  context.onClose(async () => void (await child.stop()));
  await waitForApp(app, child, environment);
  return urlsOf(environment)[app === 'command-api' ? 'commandApi' : 'queryApi'];
}

/** A contender that is a server, in its own process. Answers its address. */
export async function startServer(context: BenchContext, name: string, module: string, settings: object): Promise<string> {
  const [port = 0] = await freePorts(1);
  await context.contender(name, module, { ...settings, port });
  return `http://127.0.0.1:${port}`;
}
