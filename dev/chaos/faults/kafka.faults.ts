import { instancesOf } from '../stack/instance.js';
import type { FaultContext, FaultKind, Injection } from './fault.js';

const HIT = {
  instances: [...instancesOf('relay'), ...instancesOf('orchestrator'), ...instancesOf('projector')],
  stages: ['commands', 'publishing', 'fulfilment', 'projection'],
} as const;

const stopBroker: FaultKind = {
  kind: 'stop broker',
  targets: ['kafka'],
  holdMs: [0, 5_000],
  inject: (context) => end('SIGTERM', context),
};

const killBroker: FaultKind = {
  kind: 'kill broker',
  targets: ['kafka'],
  holdMs: [0, 3_000],
  inject: (context) => end('SIGKILL', context),
};

/** Healed when the new one answers clients. */
async function end(signal: NodeJS.Signals, { stack, watch }: FaultContext): Promise<Injection> {
  const restart = stack.keepDown('kafka');
  const kafka = stack.processOf('kafka');
  await kafka.stop(signal, 20_000);
  const heal = async (): Promise<void> => {
    restart();
    await watch.untilUp('kafka');
  };
  return { heal, hit: HIT };
}

const pauseBroker: FaultKind = {
  kind: 'pause broker',
  targets: ['kafka'],
  holdMs: [1_000, 9_000],
  async inject({ stack }) {
    const kafka = stack.processOf('kafka');
    kafka.kill('SIGSTOP');
    return { heal: async () => void kafka.kill('SIGCONT'), hit: HIT };
  },
};

export const kafkaFaults: readonly FaultKind[] = [stopBroker, killBroker, pauseBroker];
