import { connectionLimitOf } from './connection-limits.js';

/** How long things may take, and how much they may hold. Milliseconds and bytes. */
export interface Bounds {
  /** From the healing of a fault to the first success of a client. */
  readonly firstSuccessMs: number;
  /** Time without any fault, all of it together, that an instance which was hit may be asked in vain. */
  readonly instanceSuccessMs: number;
  /** Time without any fault, all of it together, that an order may be under way before it has ended. */
  readonly sagaMs: number;
  /** The same by the clock on the wall, whatever faults there were. */
  readonly sagaWallMs: number;
  /** Time without any fault, all of it together, from an order placed to its fulfilment begun: longer, and its stream was blocked. */
  readonly streamBlockedMs: number;
  /** The same by the clock on the wall, whatever faults there were. */
  readonly streamBlockedWallMs: number;
  /** Absolute limits of one process. */
  readonly maxRssBytes: number;
  readonly maxFds: number;
  /** Connections to PostgreSQL of one application name, all its processes together. */
  readonly maxConnections: (name: string) => number;
  /** What a process may grow by once it is warm: a share of what it had, or so many bytes, whichever is more. */
  readonly growthShare: number;
  readonly growthBytes: number;
  /** As many file descriptors, by the first part of its name: more for whom clients connect to, who close again only later. */
  readonly growthFds: (name: string) => number;
  /** Processes that fill the memory they were given; only the absolute limit is theirs. First part of the name. */
  readonly mayGrow: readonly string[];
}

/** A leak is seen, and a few more connections to stores and neighbours are none. */
const GROWTH_FDS = 60;

/** Of a process whose clients may hold so many connections and only by and by give them back. */
export const growthWithClients =
  (connectionsOf: Readonly<Record<string, number>>) =>
  (name: string): number =>
    GROWTH_FDS + (connectionsOf[name] ?? 0);

export const DEFAULT_BOUNDS: Bounds = {
  firstSuccessMs: 5_000,
  instanceSuccessMs: 60_000,
  sagaMs: 120_000,
  sagaWallMs: 600_000,
  streamBlockedMs: 90_000,
  streamBlockedWallMs: 300_000,
  maxRssBytes: 1_024 * 1_024 * 1_024,
  maxFds: 2_000,
  maxConnections: connectionLimitOf,
  growthShare: 0.3,
  growthBytes: 96 * 1_024 * 1_024,
  growthFds: () => GROWTH_FDS,
  mayGrow: ['kafka', 'postgres'],
};
