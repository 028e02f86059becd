/** Connections to PostgreSQL of one process, by the application name it gives: its pool, or the one session it keeps. */
export const CONNECTIONS_OF: Readonly<Record<string, number>> = {
  'tidemark-command-api': 10,
  // Read models 10, event store 5.
  'tidemark-query-api': 15,
  'tidemark-orchestrator': 8,
  'tidemark-projector': 8,
  'tidemark-relay': 2,
  'tidemark-relay-session': 1,
  'tidemark-outbox-listener': 1,
  // Two of the pool, one that holds the right to rebuild.
  'tidemark-rebuild': 3,
};

/** Two of each app, and a third while it is being deployed. */
const PROCESSES = 3;
/** Connections of one process more: of one that died, or was cut off, and that the server has not missed yet. */
const NOT_MISSED_YET = 1;
/** Of anybody else in all: who watches and judges, the server's own workers. */
const OTHERS = 20;

/** Most connections at once under one application name, all processes together. */
export function connectionLimitOf(name: string): number {
  const each = CONNECTIONS_OF[name];
  return each === undefined ? OTHERS : (PROCESSES + NOT_MISSED_YET) * each;
}
