/**
 * Proves that what the runbooks name exists: figures, log events, stable codes, paths, pages and bodies. Whether a line does what the page says was
 * tried by hand on a running stack; that it still can is kept here.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const FOLDER = new URL('../docs/runbooks/', import.meta.url);
const pages = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.md'))
  .map((name) => ({ name, text: readFileSync(new URL(name, FOLDER), 'utf8') }));

const sources = ['apps', 'libs', 'dev'].flatMap(filesOf).map((path) => ({ path, text: readFileSync(path, 'utf8') }));
const source = sources.map(({ text }) => text).join('\n');

function filesOf(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return filesOf(path);
    return name.endsWith('.ts') && !name.endsWith('.spec.ts') ? [path] : [];
  });
}

/** Names in the source as patterns: what a template fills in may be any word. */
const patterns = (finder: RegExp): RegExp[] =>
  [...source.matchAll(finder)].map(([, name]) => new RegExp(`^${name!.replaceAll('.', '\\.').replaceAll(/\$\{[^}]*\}/g, '[a-z-]+')}$`));

const figures = patterns(/name: ['`](tidemark_[^'`]+)['`]/g);
const events = [
  ...patterns(/event: ['`]([^'`]+)['`]/g),
  ...patterns(/event: gap \? '([^']+)'/g),
  ...patterns(/event: gap \? '[^']+' : '([^']+)'/g),
];
const isKnown = (name: string, known: readonly RegExp[]): boolean => known.some((pattern) => pattern.test(name));

const APPS: Readonly<Record<string, readonly string[]>> = {
  4001: ['apps/command-api', 'libs/platform'],
  4002: ['apps/query-api', 'libs/platform'],
  4003: ['apps/relay', 'libs/platform'],
  4004: ['apps/orchestrator', 'libs/platform', 'libs/messaging'],
  4005: ['apps/projector', 'libs/platform', 'libs/messaging'],
};

/** `GET /outbox/dead-letters/:seq` for each method of a controller; two controllers in one file do not occur. */
function routesOf(port: string): string[] {
  const own = sources.filter(({ path }) => APPS[port]!.some((folder) => path.startsWith(folder)));
  return own.flatMap(({ text }) => {
    const base = /@Controller\((?:'([^']*)')?\)/.exec(text);
    if (base === null) return [];
    return [...text.matchAll(/@(Get|Post)\((?:'([^']*)')?\)/g)].map(([, method, path]) => {
      const parts = [base[1], path].filter((part) => part !== undefined && part !== '');
      return `${method!.toUpperCase()} /${parts.join('/')}`;
    });
  });
}

/** Addresses of an app in a page, with the method that the line uses. */
function callsOf(text: string): { port: string; call: string }[] {
  return [...text.matchAll(/(^.*?)localhost:(400[1-5])(\/[^\s'"`)?]*)?(.*$)/gm)].flatMap(([, , port, path, rest]) =>
    path === undefined || path.includes('$') ? [] : [{ port: port!, call: `${/ -d '/.test(rest!) ? 'POST' : 'GET'} ${path}` }],
  );
}

const matches = (call: string, route: string): boolean =>
  new RegExp(`^${route.replaceAll(/:[a-zA-Z]+/g, '[^/]+')}$`).test(call.replaceAll(/<[^>]+>/g, 'x'));

it('there are figures, events and routes to compare with', () => {
  expect(figures.length).toBeGreaterThan(20);
  expect(events.length).toBeGreaterThan(40);
  for (const port of Object.keys(APPS)) expect(routesOf(port).length, port).toBeGreaterThan(3);
});

describe.each(pages)('$name', ({ name, text }) => {
  const quoted = [...text.matchAll(/`([^`\n]+)`/g)].map(([, content]) => content!);

  it('names figures that exist', () => {
    const named = [...text.matchAll(/\b(tidemark_[a-z_]+)\b/g)].map(([, figure]) => figure!);
    const whole = named.filter((figure) => !figure.endsWith('_') && !text.includes(`^${figure}`));
    expect(whole.filter((figure) => !isKnown(figure, figures))).toEqual([]);
  });

  it('names log events that exist', () => {
    const named = quoted.filter((token) =>
      /^(relay|consumer|kafka|gateway|fulfilment|projector|database|shutdown|health|process|app)(\.[a-z-]+)+$/.test(token),
    );
    expect(named.filter((event) => !isKnown(event, events))).toEqual([]);
  });

  it('names codes that exist', () => {
    const rows = [...text.matchAll(/^\| (`[a-z-]+`(?:, `[a-z-]+`)*)[^|]*\|/gm)].flatMap(([, cell]) => cell!.match(/[a-z-]+/g) ?? []);
    const codes = rows.filter((code) => code.includes('-') && !code.startsWith('-'));
    expect(codes.filter((code) => !source.includes(`'${code}'`))).toEqual([]);
  });

  it('calls what is there, with bodies that can be read', () => {
    const unknown = callsOf(text).filter(({ port, call }) => !routesOf(port).some((route) => matches(call, route)));
    expect(unknown).toEqual([]);
    for (const [, body] of text.matchAll(/ -d '([^']+)'/g)) expect(JSON.parse(body!)).toHaveProperty('reason');
  });

  it('links pages that are there', () => {
    for (const [, target] of text.matchAll(/\]\(([^)]+\.md)\)/g)) expect(() => statSync(new URL(target!, FOLDER)), target).not.toThrow();
    const index = pages.find((page) => page.name === 'README.md')!.text;
    if (name !== 'README.md') expect(index).toContain(`](${name})`);
  });

  it('says how it shows or when, what to do, and how to know it is over', () => {
    if (name === 'README.md') return;
    for (const heading of [/^## (How it shows|When|What holds)$/m, /^## What to do$/m, /^## How to know it is over$/m])
      expect(text).toMatch(heading);
  });
});
