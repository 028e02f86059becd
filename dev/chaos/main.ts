import 'reflect-metadata';
import { parseChaosArguments, USAGE, type ChaosArguments } from './arguments.js';
import { judgeAgain } from './judge-again.js';
import { ChaosRun, Interrupted } from './run.js';

/** A key press at a terminal arrives as more than one signal: the terminal's own and the one npm passes on. */
const SAME_KEY_PRESS_MS = 1_000;

/** Exit codes: 0 everything holds, 1 something does not or the run failed, 2 called wrongly, 130 interrupted. */
const options = orExit(() => parseChaosArguments(process.argv.slice(2)));
const write = (line: string): void => void process.stdout.write(`${line}\n`);
const run = new ChaosRun(options, write);
const { judge, report } = options;
if (judge === undefined) endOnSignal();
endOnFailure();
try {
  process.exitCode = (await (judge === undefined ? run.go() : judgeAgain({ folder: judge, report, write }))) ? 0 : 1;
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

/** An error that nobody waits for: no process of the stack may outlive this one. */
function endOnFailure(): void {
  process.on('uncaughtException', (error) => {
    process.stderr.write(`${error.stack ?? String(error)}\n`);
    run.kill();
    process.exit(1);
  });
}

function orExit(parse: () => ChaosArguments): ChaosArguments {
  try {
    return parse();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}
