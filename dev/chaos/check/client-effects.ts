import type { ClientEffect } from './store-facts.js';

/** The store's events that clients caused, to be found by key and by place. */
export class ClientEffects {
  readonly byKey = new Map<string, ClientEffect[]>();
  readonly byPlace = new Map<string, ClientEffect>();
  /** Orders that are cancelled, whoever did it. */
  readonly cancelled = new Map<string, ClientEffect>();
  /** Those that name no key. */
  readonly nameless: ClientEffect[] = [];
  count = 0;

  static of(effects: Iterable<ClientEffect>): ClientEffects {
    const all = new ClientEffects();
    for (const effect of effects) all.add(effect);
    return all;
  }

  add(effect: ClientEffect): void {
    this.count += 1;
    const { key, type, streamId } = effect;
    if (key === null) this.nameless.push(effect);
    else {
      const known = this.byKey.get(key);
      if (known === undefined) this.byKey.set(key, [effect]);
      else known.push(effect);
    }
    this.byPlace.set(placeOf(effect), effect);
    if (type === 'OrderCancelled') this.cancelled.set(streamId, effect);
  }
}

export const placeOf = ({ streamId, version }: Pick<ClientEffect, 'streamId' | 'version'>): string => `${streamId}@${version}`;
