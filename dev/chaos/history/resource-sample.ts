/** One look at one process of the stack. */
export interface ProcessSample {
  readonly kind: 'process';
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Name of the instance, the same over its restarts: `relay-2`. */
  readonly name: string;
  readonly pid: number;
  readonly rssBytes: number;
  /** Open file descriptors. */
  readonly fds: number;
}

/** One look at the stack as a whole; what could not be asked (its fault was on) is absent. */
export interface StackSample {
  readonly kind: 'stack';
  readonly at: number;
  /** Rows in the outbox. */
  readonly outbox?: number;
  /** Records consumer groups have not taken, all together. */
  readonly lag?: number;
  /** Connections to PostgreSQL by application name. */
  readonly connections?: Readonly<Record<string, number>>;
}

export type ResourceSample = ProcessSample | StackSample;
