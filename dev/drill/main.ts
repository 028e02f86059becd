import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { killDrill } from './kill-drill.js';
import { rebuildDrill } from './rebuild-drill.js';
import { StackCommands, totalsOf } from './stack-commands.js';

const USAGE = `Usage: npm run drill -- --file FILE [--from DAY] [--to DAY] [--expected JSON] [--rebuilds]

Against the running stack: kills every process in turn during two replays of FILE; with --rebuilds, rebuilds every projection
during one replay instead. Exit code 0 only when totals agree, no query failed and every invariant holds.`;

const { values } = parseArgs({
  options: {
    file: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    expected: { type: 'string' },
    rebuilds: { type: 'boolean', default: false },
  },
});
if (values.file === undefined) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}
const range = (['from', 'to'] as const).flatMap((name) => (values[name] === undefined ? [] : [`--${name}`, values[name]]));
const commands = new StackCommands(['--file', values.file, ...range]);
try {
  const expected = values.expected === undefined ? undefined : totalsOf(JSON.parse(readFileSync(values.expected, 'utf8')) as object);
  const passed = values.rebuilds ? await rebuildDrill(commands) : await killDrill(commands, expected);
  process.exitCode = passed ? 0 : 1;
} finally {
  commands.close();
}
