import { appendRow } from './append/append.row.js';
import type { BenchRow } from './harness/row.js';

/** In the order of the table. */
export const ROWS: readonly BenchRow[] = [appendRow];
