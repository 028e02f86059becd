import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../ports.js';
import { Progress } from '../progress.js';
import { stackConfig } from '../stack-config.js';
import { findStackFile, type StackUrls } from '../stack-file.js';
import { forgetData, Stack } from '../stack.js';

const PORTS = [
  ...['POSTGRES_PORT', 'KAFKA_PORT', 'KAFKA_CONTROLLER_PORT', 'COMMAND_API_PORT', 'QUERY_API_PORT', 'RELAY_PORT', 'ORCHESTRATOR_PORT'],
  ...['PROJECTOR_PORT', 'GATEWAY_PORT'],
];

/** A whole stack beside the developer's: in a folder of its own, on free ports, empty at its start. */
export class OwnStack {
  private stack: Stack | undefined;

  constructor(
    private readonly directory: string,
    private readonly say: (line: string) => void,
  ) {}

  get urls(): StackUrls {
    if (this.stack === undefined) throw new Error('the stack has not been started');
    return this.stack.urls;
  }

  async start(): Promise<void> {
    mkdirSync(this.directory, { recursive: true });
    const ports = await freePorts(PORTS.length);
    const env: NodeJS.ProcessEnv = { ...process.env, TIDEMARK_STATE_DIR: this.directory, LOG_LEVEL: process.env.LOG_LEVEL ?? 'warn' };
    delete env.DATABASE_URL;
    delete env.KAFKA_BROKERS;
    PORTS.forEach((name, index) => (env[name] = String(ports[index])));
    const config = stackConfig(env);
    forgetData(config);
    this.say(`  a stack of its own, its logs in ${join(this.directory, 'logs')}`);
    this.stack = new Stack(config, new Progress(this.say));
    await this.stack.start();
  }

  /** The apps as they run now. */
  pids(): { readonly name: string; readonly pid: number }[] {
    return (findStackFile(this.directory)?.processes ?? []).map(({ name, pid }) => ({ name, pid }));
  }

  async stop(): Promise<void> {
    const { stack } = this;
    this.stack = undefined;
    await stack?.stop();
  }
}
