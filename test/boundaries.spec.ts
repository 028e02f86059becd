/** Proves that the boundary checks still fire: for each rule a planted violation is caught, and an innocent neighbour is not. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
let scratch: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tidemark-boundaries-'));
  cpSync(join(root, '.oxlintrc.json'), join(scratch, '.oxlintrc.json'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

/** Rules that fire on `code` as a file at `path`. */
function violations(path: string, code: string): string[] {
  const file = join(scratch, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, code);
  try {
    execFileSync(process.execPath, [join(root, 'node_modules/oxlint/bin/oxlint'), '-c', '.oxlintrc.json', '-f', 'json', '.'], {
      cwd: scratch,
      encoding: 'utf8',
      stdio: 'pipe',
    });
    return [];
  } catch (error) {
    const { diagnostics } = JSON.parse((error as { stdout: string }).stdout) as { diagnostics: { code: string }[] };
    return diagnostics.map((diagnostic) => /\(([a-z-]+)\)/.exec(diagnostic.code)?.[1] ?? diagnostic.code);
  }
}

const using = (from: string): string => `import { thing } from '${from}';\nexport const used = thing;\n`;

describe('a planted violation is caught', () => {
  it.each([
    ['the domain imports a package', 'libs/domain/order/planted.ts', using('uuid')],
    ['the domain imports a Node module', 'libs/domain/planted.ts', using('node:fs')],
    ['the domain imports another room', 'libs/domain/planted.ts', using('#platform')],
    ['the domain can be made to fail', 'libs/domain/planted.ts', using('#failpoints')],
    ['failpoints import a room', 'libs/failpoints/planted.ts', using('#platform')],
    ['failpoints import a package', 'libs/failpoints/planted.ts', using('zod')],
    ['the platform imports a room', 'libs/platform/planted.ts', using('#domain')],
    ['the event store imports the outbox', 'libs/event-store/planted.ts', using('#outbox')],
    ['the outbox imports messaging', 'libs/outbox/planted.ts', using('#messaging')],
    ['messaging imports the read models', 'libs/messaging/planted.ts', using('#read-models')],
    ['the read models import the event store', 'libs/read-models/planted.ts', using('#event-store')],
    ['a library enters a room by a relative path', 'libs/outbox/planted.ts', using('../event-store/event-store.js')],
    ['an app imports another app', 'apps/projector/planted.ts', using('../query-api/thing.js')],
    ['an app enters a library by a relative path', 'apps/relay/planted.ts', using('../../libs/outbox/outbox-row.js')],
    ['query-api imports the write side', 'apps/query-api/planted.ts', using('#event-store')],
    ['query-api writes read models', 'apps/query-api/planted.ts', using('#read-models/write')],
    ['query-api imports messaging', 'apps/query-api/planted.ts', using('#messaging')],
    ['the projector appends', 'apps/projector/planted.ts', using('#event-store')],
    ['the relay learns what events mean', 'apps/relay/planted.ts', using('#event-store')],
    ['the orchestrator decides from read models', 'apps/orchestrator/planted.ts', using('#read-models')],
    ['command-api projects', 'apps/command-api/planted.ts', using('#read-models')],
  ])('%s', (_what, path, code) => {
    expect(violations(path, code)).toContain('no-restricted-imports');
  });

  it.each([
    ['reads the clock', 'export const now = () => new Date();\n', 'no-restricted-globals'],
    ['reads the environment', 'export const home = () => process.cwd();\n', 'no-restricted-globals'],
    ['draws a random value', 'export const luck = () => Math.random();\n', 'no-restricted-properties'],
  ])('the domain %s', (_what, code, rule) => {
    expect(violations('libs/domain/planted.ts', code)).toContain(rule);
  });

  it('an app reads process.env beside its configuration', () => {
    expect(violations('apps/relay/planted.ts', 'export const home = process.env.HOME;\n')).toContain('no-restricted-properties');
  });
});

describe('what is allowed passes', () => {
  it.each([
    ['libs/domain/order/fine.ts', using('../domain-event.js')],
    ['libs/event-store/fine.ts', using('#domain')],
    ['libs/messaging/fine.ts', using('#platform')],
    ['libs/failpoints/fine.ts', using('./failpoint-spec.js')],
    ['libs/platform/fine.ts', using('#failpoints')],
    ['libs/event-store/fine.ts', using('#failpoints')],
    ['apps/relay/fine.ts', using('#failpoints')],
    ['apps/query-api/fine.ts', using('#event-store/read')],
    ['apps/query-api/fine.ts', using('#read-models')],
    ['apps/orchestrator/fine.ts', using('#event-store')],
  ])('%s', (path, code) => {
    expect(violations(path, code)).toEqual([]);
  });
});
