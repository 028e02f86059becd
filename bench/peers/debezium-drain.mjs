import { fillDebeziumOutbox } from '../../dist/bench/relay/backlog.js';
import { prepareOutbox, startEngine } from './debezium-engine.mjs';

/** As much of the log as its queue and the connection hold: read ahead while it waits for its turn, so it does not count. */
const READ_AHEAD = 20_000;

/** Its slot is there before the backlog is, which it then reads from the write-ahead log. What it does not do: remove outbox rows. */
export async function open(settings) {
  await prepareOutbox(settings.databaseUrl);
  await fillDebeziumOutbox(settings.databaseUrl, settings.backlog + READ_AHEAD * settings.turns);
  const engine = await startEngine({ ...settings, pollMs: 10, batch: 8_192 });
  return {
    round: async ({ events }) => {
      engine.tell(`drain ${READ_AHEAD}`);
      await engine.heard('drained');
      engine.tell(`drain ${events}`);
      const [, drained, seconds] = (await engine.heard('drained')).split(' ').map(Number);
      return { perSecond: drained / seconds };
    },
    close: () => engine.close(),
  };
}
