import type { Place } from './published.js';

/** What each contender is asked in a round: to bring so many of the backlog's events to Kafka. */
export interface DrainLoad {
  readonly events: number;
}

export interface DrainSettings extends Place {
  /** Events of the backlog. */
  readonly backlog: number;
  /** How often each contender is asked, warming up included. */
  readonly turns: number;
}
