import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY_ROOT } from '../paths.js';

const VERSION = '4.32.5';
const SETTINGS = join(REPOSITORY_ROOT, 'dev/fuzz/schemathesis');
/** Hypothesis makes so many cases an operation and phase of each; small runs, one after the other with other seeds, also keep its memory small. */
const EXAMPLES_A_RUN = 60;

export interface SchemathesisOptions {
  /** Where its Python packages and reports are kept. */
  readonly directory: string;
  readonly apis: readonly { readonly name: string; readonly url: string }[];
  /** Cases of all APIs together, at least. */
  readonly cases: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface SchemathesisReport {
  readonly version: string;
  readonly cases: Readonly<Record<string, number>>;
  /** What its checks complained of, once each. */
  readonly failures: readonly string[];
}

/** There is no Python that can run it; the message says what is needed. */
export class NoPythonError extends Error {}

/**
 * Runs Schemathesis, all checks on, against the documents the APIs serve, with one seed after the other until enough cases were made.
 * It is installed once, in the pinned version, into a folder of its own. The APIs are tested side by side.
 * @throws NoPythonError
 */
export async function schemathesis(options: SchemathesisOptions): Promise<SchemathesisReport> {
  const command = await install(options);
  const share = Math.ceil(options.cases / options.apis.length);
  const failures = new Set<string>();
  const counts = await Promise.all(
    options.apis.map(async ({ name, url }) => {
      let cases = 0;
      for (let round = 0; cases < share; round += 1) {
        const run = await runOnce(command, { ...options, name, url, seed: options.seed + round });
        cases += run.cases;
        run.failures.forEach((failure) => failures.add(`${name}: ${failure}`));
        options.say(`  … ${name}: ${cases} cases of Schemathesis, ${run.failures.length === 0 ? 'no failure' : `failed: ${run.report}`}`);
        if (run.cases === 0) break;
      }
      return [name, cases] as const;
    }),
  );
  return { version: VERSION, cases: Object.fromEntries(counts), failures: [...failures] };
}

async function install({ directory, say }: SchemathesisOptions): Promise<string> {
  const home = join(directory, `schemathesis-${VERSION}`);
  const command = join(home, 'bin', 'schemathesis');
  if (existsSync(command)) return command;
  mkdirSync(directory, { recursive: true });
  const run = promisify(execFile);
  try {
    await run('python3', ['-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))']);
  } catch {
    throw new NoPythonError(
      'Schemathesis needs Python 3.10 or newer with its venv module as "python3", which was not found: install it, or leave --cases out.',
    );
  }
  say(`  installing Schemathesis ${VERSION}, once …`);
  try {
    await run('python3', ['-m', 'venv', home]);
    await run(join(home, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', `schemathesis==${VERSION}`]);
  } catch (error) {
    rmSync(home, { recursive: true, force: true });
    throw new NoPythonError(`Schemathesis ${VERSION} could not be installed: ${(error as Error).message}`);
  }
  return command;
}

interface OneRun extends SchemathesisOptions {
  readonly name: string;
  readonly url: string;
}

interface Round {
  readonly cases: number;
  readonly failures: readonly string[];
  /** The file in its own words, kept where something failed. */
  readonly report: string;
}

async function runOnce(command: string, { directory, name, url, seed }: OneRun): Promise<Round> {
  const report = join(directory, `schemathesis-${name}-seed-${seed}.txt`);
  const args = [
    ...['--config-file', join(SETTINGS, 'schemathesis.toml'), 'run', `${url}/openapi.json`, '--checks', 'all', '--seed', String(seed)],
    ...['--max-examples', String(EXAMPLES_A_RUN), '--workers', '1', '--continue-on-failure', '--request-timeout', '30', '--no-color'],
    ...['--suppress-health-check', 'all', '--output-sanitize', 'false'],
  ];
  // What it remembers of failures is written to the working directory, and stays out of the checkout.
  const work = join(directory, `schemathesis-${name}`);
  mkdirSync(work, { recursive: true });
  const child = spawn('sh', ['-c', 'exec "$0" "$@" > "$REPORT" 2>&1', command, ...args], {
    cwd: work,
    env: { ...process.env, REPORT: report, PYTHONPATH: SETTINGS, SCHEMATHESIS_HOOKS: 'tidemark_hooks', PYTHONDONTWRITEBYTECODE: '1' },
    stdio: 'ignore',
  });
  await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
  const found = readReport(readFileSync(report, 'utf8'), report);
  if (found.failures.length === 0) rmSync(report);
  return { ...found, report };
}

/** Its report is for people: figures are in the summary, failures are told one by one. */
export function readReport(text: string, file: string): { cases: number; failures: string[] } {
  const cases = Number(/^ +([\d,]+) generated/m.exec(text)?.[1]?.replaceAll(',', '') ?? 0);
  const failures: string[] = [];
  let operation = '';
  for (const line of text.split('\n')) {
    operation = /^_+ (\S+ \S+) _+$/.exec(line)?.[1] ?? operation;
    const complaint = /^- (ST\d+ .+)$/.exec(line)?.[1] ?? /^(Runtime Error|Schema Error|Network Error)$/.exec(line)?.[1];
    if (complaint !== undefined) failures.push(`${operation}: ${complaint}`);
  }
  if (cases === 0) failures.push(`made no cases: see ${file}`);
  return { cases, failures };
}
