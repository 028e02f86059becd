import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { REPOSITORY_ROOT } from '../../dev/paths.js';
import type { Curve, Measured } from './curve.js';
import { installPeers } from './peers.js';

/** Draws a curve as SVG. */
export async function draw(
  { title, x, y, logarithmic }: Curve,
  { points }: Measured,
  file: string,
  say: (line: string) => void,
): Promise<void> {
  await installPeers(say);
  const child = spawn(process.execPath, [join(REPOSITORY_ROOT, 'bench', 'peers', 'draw-curve.mjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  child.stdin.end(JSON.stringify({ title, x, y, logarithmic, points }));
  const svg = await text(child.stdout);
  const [code] = await ended;
  if (code !== 0) throw new Error(`the curve "${title}" could not be drawn (exit code ${code})`);
  await writeFile(file, svg);
}
