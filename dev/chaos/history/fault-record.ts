/** One fault as the runner carried it out; milliseconds since the epoch. */
export interface FaultRecord {
  readonly n: number;
  readonly kind: string;
  /** Process, proxy, database, topic … it was done to. */
  readonly target: string;
  readonly startedAt: number;
  readonly healedAt: number;
  /** When everything answered again; absent when it never did. */
  readonly recoveredAt?: number;
  readonly note?: string;
}
