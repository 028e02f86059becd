import type { Comparison, DifferingRow, RebuildProgress } from '#read-models/write';

/** A terminal shows each state in the same line; a log gets a line now and then. */
const LOG_EVERY_MS = 2_000;
const TERMINAL_EVERY_MS = 100;

export const number = (value: number): string => Math.round(value).toLocaleString('en');
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** How far a rebuild is, how fast, and how long it will take. */
export class ProgressLine {
  private readonly startedAt = performance.now();
  /** Never: the clock starts with the process, so that 0 would hide the first line of a young one. */
  private shownAt = -Infinity;

  constructor(
    private readonly name: string,
    private readonly out: NodeJS.WritableStream & { readonly isTTY?: boolean },
  ) {}

  show(progress: RebuildProgress): void {
    const now = performance.now();
    if (now - this.shownAt < (this.out.isTTY ? TERMINAL_EVERY_MS : LOG_EVERY_MS)) return;
    this.shownAt = now;
    const text = describeProgress(this.name, progress, now - this.startedAt);
    this.out.write(this.out.isTTY ? `\r\u001b[2K${text}` : `${text}\n`);
  }

  end(): void {
    if (this.out.isTTY) this.out.write('\r\u001b[2K');
  }
}

export function describeProgress(name: string, { events, position, lastPosition }: RebuildProgress, elapsedMs: number): string {
  const share = lastPosition === 0 ? 1 : position / lastPosition;
  const rate = events / (elapsedMs / 1000);
  const left = share > 0 ? (elapsedMs / share) * (1 - share) : 0;
  return `${name}: ${number(events)} events, ${number(rate)}/s, ${Math.floor(share * 100)} %, ${seconds(left)} left`;
}

/** A line a table, and the first rows that differ. */
export function describeComparison({ tables, liveBehind }: Comparison): string {
  const lines = tables.flatMap(({ table, liveRows, rebuiltRows, differing, samples }) => [
    `  ${table.padEnd(22)}${number(liveRows).padStart(11)} live ${number(rebuiltRows).padStart(11)} rebuilt   ` +
      (differing === 0 ? 'equal' : `${number(differing)} ${differing === 1 ? 'row differs' : 'rows differ'}`),
    ...samples.map((row) => `    ${row.key.join(' / ')}: ${describeRow(row)}`),
  ]);
  if (liveBehind.events > 0) {
    lines.push(
      `  (the live tables were ${number(liveBehind.events)} events of ${number(liveBehind.streams)} streams behind the store, and were caught up first)`,
    );
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** Terminals are logged: that these differ is told, not what they are. */
const PERSONAL = new Set(['name', 'email']);

function describeRow({ live, rebuilt }: DifferingRow): string {
  if (live === null) return 'missing in the live table';
  if (rebuilt === null) return 'only in the live table';
  return Object.keys(rebuilt)
    .filter((column) => JSON.stringify(live[column]) !== JSON.stringify(rebuilt[column]))
    .map((column) =>
      PERSONAL.has(column)
        ? `${column} differs`
        : `${column} is ${JSON.stringify(live[column])}, should be ${JSON.stringify(rebuilt[column])}`,
    )
    .join('; ');
}
