// Plain JavaScript without packages: the first thing that runs on a fresh clone. Checks the tools, installs and builds what is
// missing or out of date, then runs the target: `node dev/bootstrap.mjs <target> [arguments]`.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CACHE = join(ROOT, '.tidemark-cache');
const SOURCES = ['apps', 'libs', 'migrations', 'dev', 'bench', 'test/mutants'];

/** What runs after the build, and whether it may start a broker of its own. */
const TARGETS = {
  start: { run: 'dist/dev/start.js', startsKafka: !process.env.KAFKA_BROKERS },
  stop: { run: 'dist/dev/stop.js' },
  replay: { run: 'dist/dev/replay/main.js' },
  verify: { run: 'dist/dev/verify/main.js' },
  usage: { run: 'dist/dev/usage/main.js' },
  drill: { run: 'dist/dev/drill/main.js' },
  chaos: { run: 'dist/dev/chaos/main.js', startsKafka: true },
  killpoints: { run: 'dist/dev/killpoints/main.js', startsKafka: true },
  fuzz: { run: 'dist/dev/fuzz/main.js', startsKafka: true },
  mutants: { run: 'dist/test/mutants/main.js', startsKafka: true },
  bench: { run: 'dist/bench/main.js', startsKafka: true },
  simulate: { run: 'dist/dev/simulation/main.js' },
  rebuild: { run: 'dist/apps/projector/rebuild.js' },
  model: { run: 'dist/dev/model/main.js' },
  migrate: { run: 'dist/migrations/run.js' },
  // For a test run that is under way: it must not have its packages exchanged under it.
  build: { withoutInstall: true },
  test: { startsKafka: true, tool: ['node_modules/vitest/vitest.mjs', 'run'] },
};

class Told extends Error {}

await main().catch((error) => {
  process.stderr.write(`${error instanceof Told ? error.message : error.stack}\n`);
  process.exit(1);
});

async function main() {
  const [name = '', ...args] = process.argv.slice(2);
  const target = TARGETS[name];
  if (target === undefined) throw new Told(`Unknown target "${name}": there are ${Object.keys(TARGETS).join(', ')}.`);
  checkNode();
  if (target.startsKafka) checkJavaAndMaven();
  if (name === 'stop') {
    // What was never built was never started.
    if (!existsSync(join(ROOT, target.run))) return say('Nothing is running here.');
  } else {
    await underLock(async () => {
      if (!target.withoutInstall) await install();
      await build();
    });
  }
  // Not as a child process: signals then reach the target directly, and its exit code is ours.
  const script = target.run ?? target.tool?.[0];
  if (script === undefined) return;
  if (!existsSync(join(ROOT, script))) throw new Told(`${script} does not exist: this checkout has no "${name}".`);
  if (target.tool) return await runTool([...target.tool, ...args]);
  process.argv = [process.argv[0], join(ROOT, script), ...args];
  await import(pathToFileURL(join(ROOT, script)).href);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) throw new Told(`Tidemark needs Node 20.19 or newer; this is ${process.versions.node}.`);
}

function checkJavaAndMaven() {
  const orElse = 'or give brokers of yours as KAFKA_BROKERS';
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' });
  if (java.error) throw new Told(`Java 17 or newer is needed for the local Kafka and was not found on the PATH: install it, ${orElse}.`);
  const [, first = '0', second = '0'] = /version "(\d+)(?:\.(\d+))?/.exec(java.stderr) ?? [];
  const version = first === '1' ? Number(second) : Number(first);
  if (version < 17)
    throw new Told(`Java 17 or newer is needed for the local Kafka; the one on the PATH is ${version || 'unknown'}: update it, ${orElse}.`);
  const maven = (process.env.PATH ?? '')
    .split(delimiter)
    .some((folder) => existsSync(join(folder, 'mvn')) || existsSync(join(folder, 'mvn.cmd')));
  const fetched = existsSync(CACHE) && readdirSync(CACHE).some((name) => name.startsWith('kafka-'));
  if (!maven && !fetched) {
    throw new Told(`Apache Maven is needed once, to fetch the local Kafka, and was not found on the PATH: install it, ${orElse}.`);
  }
}

/** Two commands at once (a test run beside a start) must not install or build into each other's feet. */
async function underLock(work) {
  mkdirSync(CACHE, { recursive: true });
  const lock = join(CACHE, 'bootstrap.lock');
  for (let told = false; ; told = true) {
    try {
      const file = openSync(lock, 'wx');
      writeSync(file, String(process.pid));
      closeSync(file);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const holder = existsSync(lock) ? readFileSync(lock, 'utf8') : '';
      if (holder !== '' && !isAlive(Number(holder))) rmSync(lock, { force: true });
      else {
        if (!told) say(`waiting for process ${holder}, which is installing or building`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }
  const release = () => rmSync(lock, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    release();
    process.off('exit', release);
  }
}

async function install() {
  const stale = whyInstall();
  if (stale === undefined) return;
  const took = stopwatch();
  say(`installing packages (${stale}) …`);
  // `--include=dev`: the compiler is one, also where NODE_ENV says production.
  const command = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  await quietly(command, ['ci', '--include=dev', '--loglevel=error', '--no-audit', '--no-fund'], 'npm ci');
  done('packages', took());
}

/** undefined when node_modules holds what the lock file says. By content: a time stamp says nothing after a clone or a checkout. */
function whyInstall() {
  const installedList = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(installedList)) return 'none are installed yet';
  const installed = JSON.parse(readFileSync(installedList, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
  const differs = Object.entries(wanted).find(([path, { version, optional, devOptional, peer }]) => {
    if (path === '') return false;
    return installed[path] === undefined ? !(optional || devOptional || peer) : installed[path].version !== version;
  });
  return differs && `${differs[0].replace(/^.*node_modules\//, '')} is not the one of the lock file`;
}

async function build() {
  const stamp = join(ROOT, 'dist', '.sources');
  const sources = SOURCES.flatMap((folder) => sourceFiles(join(ROOT, folder)));
  const state = fingerprint([...sources, join(ROOT, 'tsconfig.json'), join(ROOT, 'tsconfig.build.json'), join(ROOT, 'package-lock.json')]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return;
  const took = stopwatch();
  removeOrphans(new Set(sources.map((file) => relative(ROOT, file).replace(/\.ts$/, ''))));
  await quietly(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--pretty', 'false'], 'The build');
  writeFileSync(stamp, state);
  done('build', took());
}

/** Compiled files whose source is gone would go on being found. */
function removeOrphans(sources) {
  for (const folder of SOURCES.map((name) => join(ROOT, 'dist', name)).filter(existsSync)) {
    for (const file of walk(folder)) {
      const source = relative(join(ROOT, 'dist'), file).replace(/\.js(\.map)?$/, '');
      if (/\.js(\.map)?$/.test(file) && !sources.has(source)) rmSync(file);
    }
  }
}

function sourceFiles(folder) {
  if (!existsSync(folder)) return [];
  return walk(folder).filter((file) => /\.(ts|json)$/.test(file) && !file.endsWith('.spec.ts'));
}

function walk(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
}

function fingerprint(files) {
  const hash = createHash('sha256').update(process.version);
  for (const file of files.sort()) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** Runs to its end and shows its output only when it fails. */
async function quietly(command, args, what) {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const took = stopwatch();
  const heartbeat = setInterval(() => say(`… still at it after ${took()}`), 10_000);
  try {
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    if (code !== 0) throw new Told(`${shortened(output)}\n${what} failed (exit code ${code}).`);
  } finally {
    clearInterval(heartbeat);
  }
}

/** npm explains its options after an error: the error comes first. */
function shortened(output) {
  const lines = output.trim().split('\n');
  return lines.length <= 60 ? lines.join('\n') : [...lines.slice(0, 60), `… and ${lines.length - 60} more lines`].join('\n');
}

/** A tool that wants a process of its own; a terminal's Ctrl-C reaches it by itself, other signals are passed on. */
async function runTool(args) {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code, signal] = await new Promise((resolve) => child.once('exit', (...end) => resolve(end)));
  process.exit(code ?? 128 + constants.signals[signal]);
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function stopwatch() {
  const startedAt = performance.now();
  return () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
}

function say(text) {
  process.stdout.write(`  ${text}\n`);
}

function done(what, took) {
  process.stdout.write(`  ✓ ${what.padEnd(16)}${took.padStart(8)}\n`);
}
