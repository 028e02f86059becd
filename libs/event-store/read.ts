export * from './stored-event.js';
export { EventReader, type EventReaderOptions, type ScanOptions, type StoredCommand, type StreamRange } from './event-reader.js';
export type { Snapshot } from './snapshot.js';
export { Upcasters, type Upcaster } from './upcasters.js';
