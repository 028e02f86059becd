import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { BORROWED_SERVERS, type TestServers } from '../harness/servers.js';

/**
 * How a test failed. `assertion`: it looked, and what it saw was wrong (an expectation, a property with a counterexample, something
 * waited for that never came true). `error`: something was thrown at it. `timeout`: it never ended.
 */
export type FailureKind = 'assertion' | 'error' | 'timeout';

export interface TestOutcome {
  /** From the root of the tree. */
  readonly spec: string;
  /** Its own title, as vitest prints it. */
  readonly title: string;
  /** With the titles of what it is inside of. */
  readonly fullTitle: string;
  readonly failure?: { readonly kind: FailureKind; readonly message: string };
}

export interface SpecRun {
  /** Those that ran to their end, well or not. */
  readonly tests: readonly TestOutcome[];
  /** What went wrong outside of any test: a file that could not be loaded, a hook, vitest itself. */
  readonly complaints: readonly string[];
  readonly durationMs: number;
}

export interface SpecRunOptions {
  readonly root: string;
  readonly specs: readonly string[];
  /** As vitest's -t. */
  readonly tests?: string;
  readonly servers: TestServers;
  /** Milliseconds after which the run is ended and what it did not say is a complaint. */
  readonly limitMs: number;
  /** Ends the run. */
  readonly signal?: AbortSignal;
}

interface JsonReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** Runs spec files of a tree with vitest, in a process of its own. */
export async function runSpecs(options: SpecRunOptions): Promise<SpecRun> {
  const startedAt = performance.now();
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'tidemark-mutant-run-'));
  const report = join(folder, 'report.json');
  try {
    const { output, late } = await vitest(options, report);
    const durationMs = performance.now() - startedAt;
    if (late) return { tests: [], complaints: [`ended after ${options.limitMs / 1_000} s without a result`], durationMs };
    return { ...readReport(options.root, report, output), durationMs };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function vitest(
  { root, specs, tests, servers, limitMs, signal }: SpecRunOptions,
  report: string,
): Promise<{ output: string; late: boolean }> {
  const args = [
    'run',
    '--root',
    root,
    '--reporter=json',
    `--outputFile=${report}`,
    ...(tests === undefined ? [] : ['-t', tests]),
    ...specs,
  ];
  // Its own group, so that whatever the specs start ends with it.
  const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...args], {
    cwd: root,
    env: { ...outerEnvironment(), [BORROWED_SERVERS]: JSON.stringify(servers) },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  return new Promise((resolve, reject) => {
    let output = '';
    let late = false;
    const end = (): void => {
      try {
        process.kill(-(child.pid as number), 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    };
    const timer = setTimeout(() => {
      late = true;
      end();
    }, limitMs);
    signal?.addEventListener('abort', end);
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve({ output, late });
    });
  });
}

/** Without what a vitest around us has set for its own workers. */
function outerEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST$|NODE_ENV$|NODE_OPTIONS$)/.test(name)));
}

function readReport(root: string, file: string, output: string): Pick<SpecRun, 'tests' | 'complaints'> {
  let report: JsonReport;
  try {
    report = JSON.parse(readFileSync(file, 'utf8')) as JsonReport;
  } catch {
    return { tests: [], complaints: [`vitest wrote no report: ${output.trim().split('\n').slice(-15).join('\n')}`] };
  }
  const tests: TestOutcome[] = [];
  const complaints: string[] = [];
  for (const { name, status, message, assertionResults } of report.testResults) {
    const spec = relative(root, name);
    const ran = assertionResults.filter((each) => each.status === 'passed' || each.status === 'failed');
    for (const { ancestorTitles, title, status: outcome, failureMessages } of ran) {
      const fullTitle = [...ancestorTitles, title].join(' > ');
      tests.push({ spec, title, fullTitle, ...(outcome === 'failed' && { failure: failureOf(failureMessages) }) });
    }
    if (status === 'failed' && !ran.some((each) => each.status === 'failed')) {
      complaints.push(`${spec} failed outside of its tests: ${message.split('\n')[0] || 'no reason given'}`);
    }
  }
  return { tests, complaints };
}

const ASSERTION =
  /^(AssertionError\b|Error: (Property failed after |Snapshot |promise (resolved|rejected) .* instead of |.* did not come true within ))/;

/** A test may fail for several reasons (its own, then a hook's): the first that is an assertion is what it saw. */
export function failureOf(messages: readonly string[]): { kind: FailureKind; message: string } {
  const lines = messages.map((message) => message.split('\n')[0] ?? '');
  const seen = lines.find((line) => ASSERTION.test(line));
  if (seen !== undefined) return { kind: 'assertion', message: seen };
  const message = lines[0] ?? 'no reason given';
  // The second is how vitest reports some of its time-outs.
  return { kind: /^Error: ((Test|Hook) timed out in |STACK_TRACE_ERROR)/.test(message) ? 'timeout' : 'error', message };
}
