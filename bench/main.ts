import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { BenchContext } from './harness/bench-context.js';
import { reportOf, type RowReport } from './harness/report.js';
import { LeftOut, type BenchRow } from './harness/row.js';
import { asText } from './harness/table.js';
import { ROWS } from './rows.js';

const USAGE = `Usage: npm run bench -- [ROW …] [--quick] [--report FILE]

Measures Tidemark beside what people would use instead, in turns on the same machine, and prints ratios. Everything runs on loopback, with
production durability, in a folder of its own that goes afterwards.

  ROW            these alone: ${ROWS.map(({ name }) => name).join(', ')}
  --quick        a short form, under two minutes: ratios only
  --report FILE  write the tables there (Markdown, and JSON beside it)

  --retail-file FILE  the Online Retail data set (CSV, plain or gzip): the row "year" needs it
`;

interface Options {
  readonly rows: readonly BenchRow[];
  readonly quick: boolean;
  readonly report: string | undefined;
  readonly retailFile: string | undefined;
}

/** Exit codes: 0 measured (whatever the figures), 1 a row failed, 2 called wrongly. */
const options = parsed();
if (options === undefined) process.exitCode = 2;
else process.exitCode = (await run(options)) ? 0 : 1;

function parsed(): Options | undefined {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { quick: { type: 'boolean', default: false }, report: { type: 'string' }, 'retail-file': { type: 'string' } },
    });
    const unknown = positionals.filter((name) => !ROWS.some((row) => row.name === name));
    if (unknown.length > 0) throw new Error(`no such row: ${unknown.join(', ')}`);
    const asked = positionals.length > 0 ? ROWS.filter(({ name }) => positionals.includes(name)) : ROWS;
    const rows = values.quick && positionals.length === 0 ? asked.filter(({ quick }) => quick) : asked;
    return { rows, quick: values.quick, report: values.report, retailFile: values['retail-file'] };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    return undefined;
  }
}

async function run({ rows, quick, report, retailFile }: Options): Promise<boolean> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const done: RowReport[] = [];
  let failed = 0;
  for (const [index, row] of rows.entries()) {
    say(`[${index + 1}/${rows.length}] ${row.name}: ${row.measures}`);
    const context = new BenchContext(quick, say, retailFile);
    const stop = (): void => void context.close().finally(() => process.exit(130));
    process.once('SIGINT', stop).once('SIGTERM', stop);
    const startedAt = performance.now();
    try {
      const comparisons = await row.run(context);
      const seconds = (performance.now() - startedAt) / 1_000;
      for (const comparison of comparisons) say(asText(comparison));
      say(`  (${seconds.toFixed(0)} s)\n`);
      done.push({ row, seconds, comparisons });
    } catch (error) {
      if (error instanceof LeftOut) {
        say(`  left out: ${error.message}\n`);
        continue;
      }
      failed += 1;
      say(`  ✗ ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    } finally {
      await context.close();
      process.off('SIGINT', stop).off('SIGTERM', stop);
    }
  }
  if (report !== undefined) {
    const at = new Date();
    await writeFile(report, reportOf(done, at));
    await writeFile(`${report.replace(/\.md$/, '')}.json`, `${JSON.stringify({ at, rows: done }, null, 2)}\n`);
  }
  return failed === 0;
}
