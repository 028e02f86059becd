import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '#platform';
import { endLeftovers } from './leftovers.js';
import { Progress, seconds } from './progress.js';
import { placeSampleOrders } from './sample-orders.js';
import { stackConfig, type StackConfig } from './stack-config.js';
import { findStackFile, isOurs } from './stack-file.js';
import { forgetData, Stack, StackError } from './stack.js';
import { introduce, tellSample } from './welcome.js';

/** A key press at a terminal arrives as more than one signal: the terminal's own and the one npm passes on. */
const SAME_KEY_PRESS_MS = 1_000;

/** What the process in the background tells the one at the terminal. */
type Message = { readonly line: string } | { readonly ready: true };

const flags = parseFlags();

try {
  const config = stackConfig();
  refuseSecond(config);
  if (flags.detach && process.send === undefined) startInBackground(config);
  else await runHere(config);
} catch (error) {
  if (!(error instanceof StackError || error instanceof ConfigError)) throw error;
  if (process.connected) tell(error.message);
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

function parseFlags(): { fresh: boolean; detach: boolean } {
  const known = ['--fresh', '--detach'];
  const given = process.argv.slice(2);
  const unknown = given.find((flag) => !known.includes(flag));
  if (unknown !== undefined) {
    process.stderr.write(`npm start knows ${known.join(' and ')}, not ${unknown}.\n`);
    process.exit(1);
  }
  return { fresh: given.includes('--fresh'), detach: given.includes('--detach') };
}

function refuseSecond(config: StackConfig): void {
  const earlier = findStackFile(config.stateDir);
  const supervisor = earlier?.processes.find(({ name }) => name === 'supervisor');
  if (earlier === undefined || supervisor === undefined || supervisor.pid === process.pid || !isOurs(supervisor)) return;
  throw new StackError(`Tidemark is already running here (process ${supervisor.pid}, since ${earlier.startedAt}): "npm stop" ends it.`);
}

async function runHere(config: StackConfig): Promise<void> {
  const progress = new Progress(tell);
  const began = performance.now();
  const stack = new Stack(config, progress);
  const ending = endOnSignal(stack, progress);
  try {
    const ended = await endLeftovers(config.stateDir);
    if (ended.length > 0) progress.say(`  ✓ ended what an earlier start had left running: ${ended.join(', ')}`);
    if (flags.fresh) forgetData(config);
    await stack.start();
    progress.say();
    progress.say('  Sample orders, through the HTTP API:');
    let sampleOrderId = '';
    for await (const result of placeSampleOrders(stack.urls, new Date().toISOString())) {
      progress.say(tellSample(result));
      // The paid one has the most to tell an auditor.
      if (sampleOrderId === '') sampleOrderId = result.orderId;
    }
    introduce(stack, config, progress, sampleOrderId, seconds(performance.now() - began));
  } catch (error) {
    if (ending.begun) return;
    ending.begun = true;
    progress.say(`\n${error instanceof Error ? error.message : String(error)}`);
    if (stack.hasStarted) progress.say('\n  stopping what was started …');
    await stack.stop();
    process.exit(1);
  }
  process.send?.({ ready: true } satisfies Message);
}

/** First signal: everything in order. A second one, pressed on purpose: at once. */
function endOnSignal(stack: Stack, progress: Progress): { begun: boolean } {
  const ending = { begun: false };
  let begunAt = 0;
  const onSignal = (): void => {
    if (ending.begun) {
      if (performance.now() - begunAt < SAME_KEY_PRESS_MS) return;
      progress.say('  ended at once');
      stack.kill();
      process.exit(1);
    }
    ending.begun = true;
    begunAt = performance.now();
    progress.say('\n  stopping in order (Ctrl-C again ends it at once) …');
    stack.stop().then(
      () => {
        progress.say(`  ✓ everything has stopped after ${seconds(performance.now() - begunAt)}`);
        process.exit(0);
      },
      (error: unknown) => {
        process.stderr.write(`stopping failed: ${String(error)}\n`);
        stack.kill();
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  // A closed terminal or pipe is no reason to leave processes behind.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return ending;
}

/** Shows the background process's lines until it is ready, then leaves it to itself. */
function startInBackground(config: StackConfig): void {
  mkdirSync(config.logDir, { recursive: true });
  const log = openSync(join(config.logDir, 'supervisor.log'), 'a');
  const child = spawn(process.execPath, [process.argv[1]!, ...process.argv.slice(2)], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  child.on('message', (message: Message) => {
    if ('line' in message) return void process.stdout.write(`${message.line}\n`);
    process.stdout.write('\n  It runs in the background: "npm stop" ends it.\n');
    child.disconnect();
    child.unref();
  });
  child.on('exit', (code) => {
    process.stderr.write(`It did not start; its log is ${join(config.logDir, 'supervisor.log')}.\n`);
    process.exit(code || 1);
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill('SIGTERM'));
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
  if (process.connected) process.send?.({ line } satisfies Message);
}
