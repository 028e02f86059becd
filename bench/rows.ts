import { appendRow } from './append/append.row.js';
import type { BenchRow } from './harness/row.js';
import { liveProjectionRow } from './projection/live-projection.row.js';
import { rebuildRow } from './projection/rebuild.row.js';
import { visibleRow } from './projection/visible.row.js';
import { relayDrainRow } from './relay/relay-drain.row.js';
import { relayLatencyRow } from './relay/relay-latency.row.js';
import { idleRow } from './whole/idle.row.js';
import { yearRow } from './whole/year.row.js';

/** In the order of the table. */
export const ROWS: readonly BenchRow[] = [
  appendRow,
  rebuildRow,
  liveProjectionRow,
  visibleRow,
  yearRow,
  idleRow,
  relayDrainRow,
  relayLatencyRow,
];
