import 'reflect-metadata';
import { parseKillpointArguments, USAGE, type KillpointArguments } from './arguments.js';
import { KillpointsRun, Interrupted } from './killpoints-run.js';

/** A key press at a terminal arrives as more than one signal: the terminal's own and the one npm passes on. */
const SAME_KEY_PRESS_MS = 1_000;

/** Exit codes: 0 everything holds, 1 something does not or the run failed, 2 called wrongly, 130 interrupted. */
const options = orExit(() => parseKillpointArguments(process.argv.slice(2)));
const run = new KillpointsRun(options, (line) => void process.stdout.write(`${line}\n`));
endOnSignal();
try {
  process.exitCode = (await run.go()) ? 0 : 1;
} catch (error) {
  if (!(error instanceof Interrupted)) process.stderr.write(`${(error as Error).stack}\n`);
  process.exitCode = error instanceof Interrupted ? 130 : 1;
}

function endOnSignal(): void {
  let begunAt = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (begunAt === 0) {
        begunAt = performance.now();
        process.stdout.write('\n  stopping in order (Ctrl-C again ends it at once) …\n');
        run.end();
      } else if (performance.now() - begunAt > SAME_KEY_PRESS_MS) {
        run.kill();
        process.exit(130);
      }
    });
  }
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

function orExit(parse: () => KillpointArguments): KillpointArguments {
  try {
    return parse();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}
