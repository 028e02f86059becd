/** Proves that an action nobody knows the outcome of is left to its lease: it neither ends the process nor stays under way for ever. */
import type { StartedFulfilment } from '#domain';
import { createLogger } from '#platform';
import { afterEach, expect, it } from 'vitest';
import { GatewayDispatcher } from './gateway-dispatcher.js';

const logger = createLogger({ app: 'orchestrator', level: 'silent' });
let dispatcher: GatewayDispatcher;
afterEach(() => dispatcher.stop());

it('gives up an action that failed in an unforeseen way, and takes it again', async () => {
  const sent: string[] = [];
  const outcomes: string[] = [];
  let finished: () => void = () => undefined;
  dispatcher = new GatewayDispatcher({
    gateway: {
      send: async (operation: string) => {
        sent.push(operation);
        if (sent.length === 1) throw new TypeError('nobody foresaw this');
        return { kind: 'done', gatewayId: 'g' };
      },
    } as never,
    work: { renew: async () => undefined } as never,
    concurrency: 1,
    leaseMs: 60_000,
    logger,
    onFinished: () => finished(),
    onOutcome: async (_dispatch, input) => void outcomes.push(input.type),
  });
  const take = async (): Promise<void> => {
    const over = new Promise<void>((resolve) => (finished = resolve));
    dispatcher.dispatch({
      fulfilment: { orderId: 'o1' } as StartedFulfilment,
      action: { kind: 'send', operation: 'capture', attempt: 1 },
      correlationId: 'c',
      causationId: 'e',
      waitMs: 0,
    });
    await over;
  };
  await take();
  expect([dispatcher.has({ orderId: 'o1', causationId: 'e' }), dispatcher.load, outcomes]).toEqual([false, 0, []]);
  await take();
  expect([dispatcher.has({ orderId: 'o1', causationId: 'e' }), dispatcher.load, outcomes]).toEqual([false, 0, ['GatewayDone']]);
});
