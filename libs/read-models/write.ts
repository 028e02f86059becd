export * from './projection/locks.js';
export * from './projection/projected-event.js';
export * from './projection/projection.js';
export type { Applied } from './projection/projection-batch.js';
export * from './projection/projection-writer.js';
export * from './rebuild/comparison.js';
export * from './rebuild/event-source.js';
export * from './rebuild/rebuild-beside.js';
export { TablesBusyError } from './rebuild/swap.js';
