import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { daysOfTrade } from './days-of-trade.js';
import { killDrill } from './kill-drill.js';
import { rebuildDrill } from './rebuild-drill.js';
import { StackCommands, totalsOf } from './stack-commands.js';

const USAGE = `Usage: npm run drill -- --file FILE [--from DAY] [--to DAY] [--expected JSON] [--rebuilds]

Against the running stack: sends FILE day by day, each day twice at once, and kills every process in turn while new orders are under
way, which takes a week of trade that this stack has not seen yet; then sends the whole range again. With --rebuilds, rebuilds every
projection during one replay instead. Exit code 0 only when totals agree, no kill met an idle stack, no query failed and every
invariant holds.`;

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
const range = { from: values.from ?? null, to: values.to ?? null };
const commands = new StackCommands(values.file, range);
try {
  const expected = values.expected === undefined ? undefined : totalsOf(JSON.parse(readFileSync(values.expected, 'utf8')) as object);
  const passed = values.rebuilds
    ? await rebuildDrill(commands)
    : await killDrill(commands, await daysOfTrade(values.file, range), expected);
  process.exitCode = passed ? 0 : 1;
} finally {
  commands.close();
}
