// Proves: a recovery that does not come is an answer and not an error, whatever cannot be asked meanwhile.
import { describe, expect, it } from 'vitest';
import { Recovery, type RecoveryOptions, type Stage } from './recovery.js';

const away = (): Promise<never> => Promise.reject(new Error('it is away'));

function recoveryWith(watch: object): Recovery {
  return new Recovery({ stack: {}, watch, accepted: () => 0 } as unknown as RecoveryOptions);
}

describe('recovery', () => {
  it.each(['publishing', 'fulfilment', 'projection'] satisfies Stage[])('of %s is not seen while nobody can be asked', async (stage) => {
    const recovery = recoveryWith({ lastPosition: away, firstUnpublished: away, ends: away, lags: away });
    expect(await recovery.of({ instances: [], stages: [stage] }, 150)).toBeUndefined();
  });

  it('of publishing comes when everything stored until then is published', async () => {
    const unpublished = [3, 7, 12];
    const recovery = recoveryWith({ lastPosition: async () => 7, firstUnpublished: async () => unpublished.shift() });
    expect(await recovery.of({ instances: [], stages: ['publishing'] }, 5_000)).toBeTypeOf('number');
    expect(unpublished).toEqual([]);
  });
});
