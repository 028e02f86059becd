import type { BenchContext } from './bench-context.js';
import { told } from './row.js';

/** How cost grows: something measured again and again while one thing gets larger. */
export interface Curve {
  /** To ask for it: `npm run bench -- growth-append`. */
  readonly name: string;
  readonly title: string;
  /** `events in the store` */
  readonly x: string;
  /** `appends/s` */
  readonly y: string;
  /** Each step of x is a multiple of the one before. */
  readonly logarithmic: boolean;
  run(context: BenchContext): Promise<Measured>;
}

export interface Measured {
  readonly points: readonly Point[];
  /** What is seen in it. */
  readonly findings: readonly string[];
}

export interface Point {
  readonly series: string;
  readonly x: number;
  readonly y: number;
}

/** As Markdown: a line for each x, a column for each series. */
export function curveTable({ x, y }: Pick<Curve, 'x' | 'y'>, { points, findings }: Measured): string {
  const series = [...new Set(points.map((point) => point.series))];
  const xs = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b);
  const at = (name: string, value: number): string => {
    const point = points.find((each) => each.series === name && each.x === value);
    return point === undefined ? '' : told(point.y);
  };
  return [
    `| ${x} | ${series.map((name) => `${name} (${y})`).join(' | ')} |`,
    `| --: | ${series.map(() => '--:').join(' | ')} |`,
    ...xs.map((value) => `| ${value.toLocaleString('en-US')} | ${series.map((name) => at(name, value)).join(' | ')} |`),
    '',
    ...findings.map((finding) => `- ${finding}`),
    '',
  ].join('\n');
}
