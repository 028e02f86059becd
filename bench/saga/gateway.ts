import { join } from 'node:path';
import { spawnApp, waitForApp } from '../../dev/apps.js';
import { freePorts } from '../../dev/ports.js';
import type { BenchContext } from '../harness/bench-context.js';

/** The gateway simulator in its own process, with a book of its own. It answers for what its disk has. */
export async function startGateway(context: BenchContext, name: string): Promise<string> {
  const [port = 0] = await freePorts(1);
  const ports = { gateway: port, relay: 0, orchestrator: 0, projector: 0, 'query-api': 0, 'command-api': 0 };
  const environment = {
    ...{ databaseUrl: '', kafkaBrokers: [], topicPrefix: 'bench', host: '127.0.0.1', logLevel: 'warn', ports },
    gatewayBook: join(context.folder, `${name}.ndjson`),
    logDir: join(context.folder, name),
  };
  const gateway = await spawnApp('gateway', environment);
  context.onClose(async () => void (await gateway.stop('SIGTERM', 5_000)));
  await waitForApp('gateway', gateway, environment);
  return `http://127.0.0.1:${port}`;
}
