import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import { DATA, newId, OCCURRED_AT, TYPE } from '../../dist/bench/append/append-load.js';
import { closedLoop } from '../../dist/bench/harness/contender.js';

/** As its documentation appends: a stream, the version it must have, its events. It keeps no outbox: subscribers poll its messages. */
export async function open({ databaseUrl }) {
  const store = getPostgreSQLEventStore(databaseUrl);
  await store.schema.migrate();
  return {
    round: ({ inFlight, events, ms }) =>
      closedLoop(inFlight, ms, async () => {
        const id = newId();
        const event = () => ({
          type: TYPE,
          data: DATA,
          metadata: { correlationId: id, causationId: id, actor: 'bench', occurredAt: OCCURRED_AT },
        });
        await store.appendToStream(`stock-${id}`, Array.from({ length: events }, event), {
          expectedStreamVersion: 'STREAM_DOES_NOT_EXIST',
        });
      }),
    close: () => store.close(),
  };
}
