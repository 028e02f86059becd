/** What each contender is asked in a round: to bring so many of the backlog's events to Kafka. */
export interface DrainLoad {
  readonly events: number;
}

export interface DrainSettings {
  readonly databaseUrl: string;
  /** `host:port` */
  readonly broker: string;
  readonly topicPrefix: string;
  /** Events of the backlog. */
  readonly backlog: number;
}
