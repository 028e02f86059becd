import { fillDebeziumOutbox } from '../../dist/bench/relay/backlog.js';
import { prepareOutbox, startEngine } from './debezium-engine.mjs';

/** Its slot is there before the backlog is, which it then reads from the write-ahead log. What it does not do: remove outbox rows. */
export async function open(settings) {
  await prepareOutbox(settings.databaseUrl);
  await fillDebeziumOutbox(settings.databaseUrl, settings.backlog);
  const engine = await startEngine({ ...settings, pollMs: 10, batch: 8_192 });
  return {
    round: async ({ events }) => {
      engine.tell(`drain ${events}`);
      const [, drained, seconds] = (await engine.heard('drained')).split(' ').map(Number);
      return { perSecond: drained / seconds };
    },
    close: () => engine.close(),
  };
}
