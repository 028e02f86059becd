import { appendRow } from './append/append.row.js';
import type { BenchRow } from './harness/row.js';
import { postOrdersRow } from './http/post-orders.row.js';
import { idleRow } from './whole/idle.row.js';
import { yearRow } from './whole/year.row.js';

/** In the order of the table. */
export const ROWS: readonly BenchRow[] = [appendRow, postOrdersRow, yearRow, idleRow];
