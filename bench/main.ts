import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CURVES } from './curves.js';
import { BenchContext } from './harness/bench-context.js';
import { BenchServers } from './harness/bench-servers.js';
import { curveTable, type Curve } from './harness/curve.js';
import { draw } from './harness/draw.js';
import { reportOf, type RowReport } from './harness/report.js';
import { LeftOut, type BenchRow } from './harness/row.js';
import { asText } from './harness/table.js';
import { ROWS } from './rows.js';

const namesOf = (all: readonly { readonly name: string }[]): string => all.map(({ name }) => name).join(', ');

const USAGE = `Usage: npm run bench -- [NAME …] [--quick] [--curves] [--report FILE] [--draw FOLDER] [--retail-file FILE]

Measures Tidemark beside what people would use instead, in turns on the same machine, and prints ratios. Everything runs on loopback, with
production durability, in a folder of its own that goes afterwards.

  NAME                these alone; rows: ${namesOf(ROWS)}
                      curves: ${namesOf(CURVES)}
  --quick             a short form, under two minutes: ratios only
  --curves            how cost grows, instead of the rows
  --report FILE       write the tables of the rows there (Markdown, and JSON beside it)
  --draw FOLDER       write each curve there (SVG, and its table as Markdown)
  --retail-file FILE  the Online Retail data set (CSV, plain or gzip): the row "year" needs it
`;

interface Options {
  readonly rows: readonly BenchRow[];
  readonly curves: readonly Curve[];
  readonly quick: boolean;
  readonly report: string | undefined;
  readonly drawings: string | undefined;
  readonly retailFile: string | undefined;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Exit codes: 0 measured (whatever the figures), 1 something failed, 2 called wrongly. */
const options = parsed();
if (options === undefined) process.exitCode = 2;
else process.exitCode = (await run(options)) ? 0 : 1;

function parsed(): Options | undefined {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        curves: { type: 'boolean', default: false },
        report: { type: 'string' },
        draw: { type: 'string' },
        'retail-file': { type: 'string' },
      },
    });
    const { quick, report, draw: drawings, 'retail-file': retailFile } = values;
    const unknown = positionals.filter((name) => ![...ROWS, ...CURVES].some((each) => each.name === name));
    if (unknown.length > 0) throw new Error(`there is no ${unknown.join(', ')}`);
    const isAsked = ({ name }: { readonly name: string }): boolean => positionals.includes(name);
    const byName = positionals.length > 0;
    return {
      rows: byName ? ROWS.filter(isAsked) : values.curves ? [] : ROWS.filter((row) => !quick || row.quick),
      curves: byName ? CURVES.filter(isAsked) : values.curves ? CURVES : [],
      quick,
      report,
      drawings,
      retailFile,
    };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    return undefined;
  }
}

async function run({ rows, curves, quick, report, drawings, retailFile }: Options): Promise<boolean> {
  const reports: RowReport[] = [];
  // Rows of the short form share a PostgreSQL: starting one for each takes longer than measuring on it.
  const servers = quick ? new BenchServers() : undefined;
  let failed = 0;
  const measure = async (title: string, work: (context: BenchContext) => Promise<void>): Promise<void> => {
    say(title);
    const context = new BenchContext({ quick, say, servers, retailFile });
    const stop = (): void => {
      void context
        .close()
        .finally(() => servers?.close())
        .finally(() => process.exit(130));
    };
    process.once('SIGINT', stop).once('SIGTERM', stop);
    try {
      await work(context);
    } catch (error) {
      if (error instanceof LeftOut) return say(`  left out: ${error.message}\n`);
      failed += 1;
      say(`  ✗ ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    } finally {
      await context.close();
      process.off('SIGINT', stop).off('SIGTERM', stop);
    }
  };

  for (const [index, row] of rows.entries()) {
    await measure(`[${index + 1}/${rows.length}] ${row.name}: ${row.measures}`, async (context) => {
      const startedAt = performance.now();
      const comparisons = await row.run(context);
      const seconds = (performance.now() - startedAt) / 1_000;
      // The short form is too short, and the machine too noisy, for a verdict.
      for (const comparison of comparisons) say(asText(quick ? { ...comparison, goals: [] } : comparison));
      say(`  (${seconds.toFixed(0)} s)\n`);
      reports.push({ row, seconds, comparisons });
    });
  }
  for (const curve of curves) {
    await measure(`${curve.name}: ${curve.title}`, async (context) => {
      const measured = await curve.run(context);
      const table = curveTable(curve, measured);
      say(table);
      if (drawings === undefined) return;
      await draw(curve, measured, join(drawings, `${curve.name}.svg`), say);
      await writeFile(join(drawings, `${curve.name}.md`), `# ${curve.title}\n\n![${curve.title}](${curve.name}.svg)\n\n${table}`);
    });
  }
  await servers?.close();
  if (report !== undefined) {
    const at = new Date();
    await writeFile(report, reportOf(reports, at));
    await writeFile(`${report.replace(/\.md$/, '')}.json`, `${JSON.stringify({ at, rows: reports }, null, 2)}\n`);
  }
  return failed === 0;
}
