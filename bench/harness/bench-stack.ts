import type { AppEnvironment } from '../../dev/apps.js';
import { freePorts } from '../../dev/ports.js';
import { Progress } from '../../dev/progress.js';
import { Stack } from '../../dev/stack.js';
import { stackConfig, type StackConfig } from '../../dev/stack-config.js';
import type { StackUrls } from '../../dev/stack-file.js';
import { verifyStack, type Verification } from '../../dev/verify/verify-stack.js';

export interface BenchStackOptions {
  /** Further variables of one app or another. */
  readonly extraEnv?: AppEnvironment['extraEnv'];
}

export interface BenchStack {
  readonly urls: StackUrls;
  readonly databaseUrl: string;
  readonly kafkaBrokers: readonly string[];
  readonly topicPrefix: string;
  readonly config: StackConfig;
  /** Waits until it stands still and checks the invariants I1 to I8. @throws Error when one is broken */
  verify(): Promise<Verification>;
  stop(): Promise<void>;
}

/** All of Tidemark below `folder`: production settings, each app a process of its own, on free ports of the loopback address. */
export async function startBenchStack(folder: string, { extraEnv }: BenchStackOptions): Promise<BenchStack> {
  const names = ['POSTGRES', 'KAFKA', 'KAFKA_CONTROLLER', 'COMMAND_API', 'QUERY_API', 'RELAY', 'ORCHESTRATOR', 'PROJECTOR', 'GATEWAY'];
  const ports = await freePorts(names.length);
  const settings = Object.fromEntries(names.map((name, index) => [`${name}_PORT`, String(ports[index])]));
  const { DATABASE_URL: _database, KAFKA_BROKERS: _brokers, ...inherited } = process.env;
  const config = stackConfig({ ...inherited, ...settings, LOG_LEVEL: 'warn', TIDEMARK_STATE_DIR: folder });
  const heard: string[] = [];
  const stack = new Stack(config, new Progress((line) => heard.push(line)), extraEnv);
  try {
    await stack.start();
  } catch (error) {
    await stack.stop();
    throw new Error(`the stack did not start:\n${heard.join('\n')}`, { cause: error });
  }
  const { databaseUrl, kafkaBrokers, topicPrefix } = stack.environment;
  return {
    urls: stack.urls,
    databaseUrl,
    kafkaBrokers,
    topicPrefix,
    config,
    verify: async () => {
      const verification = await verifyStack({ databaseUrl, kafkaBrokers, topicPrefix, gatewayUrl: stack.urls.gateway, withinMs: 300_000 });
      if (!verification.ok) throw new Error(`what the benchmark wrote does not verify: ${JSON.stringify(verification)}`);
      return verification;
    },
    stop: () => stack.stop(),
  };
}
