import { writeFile } from 'node:fs/promises';
import { readStackFile } from '../stack-file.js';
import { replayArguments, USAGE, UsageError } from './arguments.js';
import { PatientHttp, ServerGoneError } from './patient-http.js';
import { NothingToReplayError, replay } from './replay.js';
import { summaryOf } from './report.js';
import { RetailFileError } from './retail-file.js';

/** A stack that is not there; its message says what to do. */
class NoStackError extends Error {}

/** Exit codes: 0 all equal, 1 a mismatch or orders that never ended, 2 it could not be done at all. */
try {
  process.exitCode = await run();
} catch (error) {
  const told =
    error instanceof RetailFileError ||
    error instanceof NothingToReplayError ||
    error instanceof ServerGoneError ||
    error instanceof NoStackError;
  if (error instanceof UsageError) process.stderr.write(`${error.message}\n\n${USAGE}\n`);
  else if (told) process.stderr.write(`${error.message}\n`);
  else process.stderr.write(`${(error as Error).stack}\n`);
  process.exitCode = 2;
}

async function run(): Promise<number> {
  const args = replayArguments(process.argv.slice(2));
  if (args === 'help') {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const urls = stackUrls(process.env);
  const commands = new PatientHttp({ origin: urls.commandApi, connections: args.concurrency });
  const queries = new PatientHttp({ origin: urls.queryApi, connections: 4 });
  process.once('SIGINT', () => {
    process.stderr.write('\ninterrupted: run the same command again and it goes on to the same end\n');
    process.exit(130);
  });
  const report = await replay({ ...args, commands, queries, output: process.stderr });
  await Promise.all([commands.close(), queries.close()]);
  if (args.report !== null) await writeFile(args.report, `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(`${summaryOf(report)}\n`);
  return report.ok ? 0 : 1;
}

function stackUrls(env: NodeJS.ProcessEnv): { commandApi: string; queryApi: string } {
  const { COMMAND_API_URL: commandApi, QUERY_API_URL: queryApi } = env;
  if (commandApi && queryApi) return { commandApi, queryApi };
  try {
    return readStackFile().urls;
  } catch (error) {
    throw new NoStackError((error as Error).message);
  }
}
