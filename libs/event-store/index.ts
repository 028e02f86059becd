export * from './append-request.js';
export * from './read.js';
export { EventStore, type EventStoreOptions } from './event-store.js';
export { BinaryArray } from './binary-array.js';
export { GroupCommit, type CommittedBatch, type GroupCommitOptions } from './group-commit.js';
export { OverloadedError } from './overloaded-error.js';
export { StreamLoader, type Folding, type LoadedStream, type SnapshotPolicy, type StreamLoaderOptions } from './stream-loader.js';
