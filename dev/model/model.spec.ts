/**
 * Proves that the model is made of the saga's own table, that money and stock are conserved and every order ends in all its behaviours
 * (a small size; `npm run model` takes a larger one), and that it would find out if it were not so.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MUTATIONS } from './mutations.js';
import { sagaTableModule } from './saga-table-module.js';
import { checkModel, MODEL } from './tlc.js';

const ONE_ORDER = { orders: 1, pieces: 1 };

describe('the model of the fulfilment saga', () => {
  it('is made of the table that the code is held to', () => {
    expect(readFileSync(join(MODEL, 'SagaTable.tla'), 'utf8'), 'run npm run model -- --write').toBe(sagaTableModule());
  });

  it('conserves money and stock, charges nobody twice and ends every order', { timeout: 180_000 }, async () => {
    const result = await checkModel({ ...ONE_ORDER, faults: 1, liveness: true });
    expect(result.error, result.output).toBeNull();
    // A model that cannot move has no errors either.
    expect(result.distinct).toBeGreaterThan(1_000);
  });

  it('conserves stock among orders that compete for it', { timeout: 180_000 }, async () => {
    const result = await checkModel({ orders: 2, pieces: 1, faults: 0, liveness: false });
    expect(result.error, result.output).toBeNull();
    expect(result.distinct).toBeGreaterThan(1_000);
  });

  // All of them: npm run model -- --mutations
  it.each(MUTATIONS.filter(({ liveness }) => liveness === undefined).slice(0, 3))(
    'finds: $name',
    { timeout: 180_000 },
    async ({ rules }) => {
      const result = await checkModel({ ...ONE_ORDER, faults: 2, liveness: false }, sagaTableModule(rules));
      expect(result.ok).toBe(false);
      expect(result.error).toMatch(/^Invariant \w+ is violated/);
    },
  );
});
