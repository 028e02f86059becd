/** A folded state kept to save reading the events before it. */
export interface Snapshot {
  readonly streamId: string;
  /** The last event folded into it. */
  readonly version: number;
  /** Shape of `state`; a snapshot of another shape is ignored and the events are read instead. */
  readonly schemaVersion: number;
  /** What JSON can carry. */
  readonly state: unknown;
}
