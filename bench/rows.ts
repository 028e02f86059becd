import { appendRow } from './append/append.row.js';
import type { BenchRow } from './harness/row.js';
import { hotSkuRow } from './saga/hot-sku.row.js';
import { sagasRow } from './saga/sagas.row.js';
import { idleRow } from './whole/idle.row.js';
import { yearRow } from './whole/year.row.js';

/** In the order of the table. */
export const ROWS: readonly BenchRow[] = [appendRow, sagasRow, hotSkuRow, yearRow, idleRow];
