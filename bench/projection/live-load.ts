export interface LiveSettings {
  /** `host:port` of the broker. */
  readonly kafka: string;
  readonly topicPrefix: string;
  readonly databaseUrl: string;
  /** On the topics, all of them for the projector. */
  readonly events: number;
}
