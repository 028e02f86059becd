import type { FaultKind } from './fault.js';

const HIT = { instances: [], stages: ['commands', 'publishing', 'fulfilment'] } as const;

const sameKeyAtOnce: FaultKind = {
  kind: 'same key 100 times',
  targets: ['clients'],
  holdMs: [0, 0],
  occupies: () => ['same key'],
  async inject({ load }) {
    await load.sameKeyAtOnce({ times: 100 });
    return { hit: HIT };
  },
};

const lastPieces: FaultKind = {
  kind: '200 clients, 100 pieces',
  targets: ['clients'],
  holdMs: [0, 0],
  occupies: () => ['last pieces'],
  async inject({ load }) {
    await load.lastPieces({ clients: 200, pieces: 100 });
    return { hit: HIT };
  },
};

export const clientFaults: readonly FaultKind[] = [sameKeyAtOnce, lastPieces];
