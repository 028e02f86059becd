import { setTimeout as delay } from 'node:timers/promises';
import type { Toxic } from '../proxy/toxiproxy.js';
import { INSTANCES, instancesOf, REPLICAS, type Instance } from '../stack/instance.js';
import { EVERYTHING, type Stage } from '../stack/recovery.js';
import type { FaultContext, FaultKind, Injection } from './fault.js';

type Store = 'postgres' | 'kafka' | 'gateway';

/** Who has to work again when the way there is free again. Half of the instances lost it, or all. */
const HIT: Readonly<Record<Store, { readonly instances: readonly Instance[]; readonly stages: readonly Stage[] }>> = {
  postgres: { instances: INSTANCES, stages: EVERYTHING },
  kafka: {
    instances: [...instancesOf('relay'), ...instancesOf('orchestrator'), ...instancesOf('projector')],
    stages: ['publishing', 'fulfilment', 'projection'],
  },
  gateway: { instances: instancesOf('orchestrator'), stages: ['gateway', 'fulfilment'] },
};

/** One replica's door, or those of both. */
const doorsOf = (store: Store): string[] => [...REPLICAS.map((replica) => `${store}-${replica}`), `${store}-1+2`];
const proxiesOf = (target: string): string[] => {
  const [store, which = ''] = target.split('-');
  return which.split('+').map((replica) => `${store}-${replica}`);
};

/**
 * Toxiproxy holds a lock while it takes a toxic away, and waits 5 s for each piece of data on its way to a client that is gone: for
 * minutes nobody could connect. So what delays data ends with all connections: so long the pieces need to come to their end, milliseconds.
 */
const LAST_PIECES_MS = 2_000;

interface Badness {
  readonly kind: string;
  readonly holdMs: FaultKind['holdMs'];
  readonly weight?: number;
  toxics(random: FaultContext['random']): readonly Toxic[];
  /** Data waits in the proxy. */
  readonly delays?: boolean;
  readonly describe?: (toxics: readonly Toxic[]) => string;
}

const BADNESSES: readonly Badness[] = [
  {
    // TCP resets on everything that is open and everything that is tried.
    kind: 'reset',
    holdMs: [500, 4_000],
    toxics: () => [
      { type: 'reset_peer', stream: 'downstream', attributes: { timeout: 0 } },
      { type: 'reset_peer', stream: 'upstream', attributes: { timeout: 0 } },
    ],
  },
  {
    // Nothing goes through and nothing is closed: the other side is gone without a word.
    kind: 'half-open',
    holdMs: [2_000, 12_000],
    toxics: () => [
      { type: 'timeout', stream: 'downstream', attributes: { timeout: 0 } },
      { type: 'timeout', stream: 'upstream', attributes: { timeout: 0 } },
    ],
  },
  {
    // Requests arrive and are carried out; nobody hears of it.
    kind: 'answers lost',
    holdMs: [1_000, 8_000],
    toxics: () => [{ type: 'timeout', stream: 'downstream', attributes: { timeout: 0 } }],
  },
  {
    kind: 'latency',
    delays: true,
    holdMs: [4_000, 10_000],
    toxics: (random) => [
      { type: 'latency', stream: 'downstream', attributes: { latency: random.between(20, 250), jitter: random.between(10, 200) } },
    ],
    describe: ([toxic]) => `${toxic!.attributes['latency']} ± ${toxic!.attributes['jitter']} ms`,
  },
  {
    kind: 'bandwidth',
    delays: true,
    holdMs: [4_000, 10_000],
    toxics: (random) => {
      const rate = random.between(30, 200);
      return (['upstream', 'downstream'] as const).map((stream) => ({ type: 'bandwidth', stream, attributes: { rate } }));
    },
    describe: ([toxic]) => `${toxic!.attributes['rate']} KB/s a connection`,
  },
  {
    // Cut in the middle of whatever message passes the mark.
    kind: 'torn messages',
    holdMs: [1_000, 5_000],
    toxics: (random) => [{ type: 'limit_data', stream: 'downstream', attributes: { bytes: random.between(500, 60_000) } }],
    describe: ([toxic]) => `each connection ends after ${toxic!.attributes['bytes']} bytes`,
  },
];

const bad = (store: Store, { kind, holdMs, weight, toxics, delays = false, describe }: Badness): FaultKind => ({
  kind: `${store} ${kind}`,
  targets: doorsOf(store),
  holdMs,
  ...(weight !== undefined && { weight }),
  needs: 'proxy',
  occupies: proxiesOf,
  async inject({ stack, target, random }): Promise<Injection> {
    const proxy = stack.proxy!;
    const chosen = toxics(random);
    const put: { proxy: string; name: string }[] = [];
    const enable = (enabled: boolean) => Promise.all(proxiesOf(target).map((name) => proxy.enable(name, enabled)));
    const heal = async (): Promise<void> => {
      if (delays) {
        await enable(false);
        await delay(LAST_PIECES_MS);
      }
      for (const each of put) await proxy.removeToxic(each.proxy, each.name);
      if (delays) await enable(true);
    };
    try {
      for (const name of proxiesOf(target)) {
        for (const [index, toxic] of chosen.entries()) {
          await proxy.addToxic(name, `${toxic.type}-${index}`, toxic);
          put.push({ proxy: name, name: `${toxic.type}-${index}` });
        }
      }
    } catch (error) {
      await heal();
      throw error;
    }
    return { heal, hit: HIT[store], ...(describe !== undefined && { note: describe(chosen) }) };
  },
});

/** Every connection closed, new ones refused. */
const cut = (store: Store): FaultKind => ({
  kind: `${store} cut`,
  targets: doorsOf(store),
  holdMs: [200, 6_000],
  needs: 'proxy',
  occupies: proxiesOf,
  async inject({ stack, target }) {
    const enable = async (enabled: boolean): Promise<void> => {
      for (const name of proxiesOf(target)) await stack.proxy!.enable(name, enabled);
    };
    await enable(false);
    return { heal: () => enable(true), hit: HIT[store] };
  },
});

export const connectionFaults: readonly FaultKind[] = (['postgres', 'kafka', 'gateway'] as const).flatMap((store) => [
  cut(store),
  ...BADNESSES.filter(({ kind }) => store !== 'gateway' || !['bandwidth', 'torn messages'].includes(kind)).map((badness) =>
    bad(store, badness),
  ),
]);
