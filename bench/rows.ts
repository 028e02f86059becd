import { appendRow } from './append/append.row.js';
import { auditRow } from './audit/audit.row.js';
import type { BenchRow } from './harness/row.js';
import { postOrdersRow } from './http/post-orders.row.js';
import { liveProjectionRow } from './projection/live-projection.row.js';
import { rebuildRow } from './projection/rebuild.row.js';
import { visibleRow } from './projection/visible.row.js';
import { queriesRow } from './query/queries.row.js';
import { relayDrainRow } from './relay/relay-drain.row.js';
import { relayLatencyRow } from './relay/relay-latency.row.js';
import { hotSkuRow } from './saga/hot-sku.row.js';
import { sagasRow } from './saga/sagas.row.js';
import { idleRow } from './whole/idle.row.js';
import { yearRow } from './whole/year.row.js';

/** In the order of the table. */
export const ROWS: readonly BenchRow[] = [
  appendRow,
  postOrdersRow,
  relayDrainRow,
  relayLatencyRow,
  sagasRow,
  hotSkuRow,
  rebuildRow,
  liveProjectionRow,
  visibleRow,
  queriesRow,
  auditRow,
  yearRow,
  idleRow,
];
