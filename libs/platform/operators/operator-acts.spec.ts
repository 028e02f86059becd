/** Proves that operators' acts are recorded with what came of them, are found again, and that the record cannot be changed. */
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../test/harness/index.js';
import { OperatorActs, type NewAct } from './operator-acts.js';

let database: TestDatabase;
let pool: pg.Pool;
let acts: OperatorActs;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 2 });
  acts = new OperatorActs({ pool, app: 'relay' });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const act = (changes: Partial<NewAct> = {}): NewAct => ({
  act: 'outbox.discard',
  actor: 'olga',
  reason: 'test data',
  target: { subject: 'order-a@1' },
  matched: 1,
  ...changes,
});

it('shows an act by filter while it is carried out, and what came of it', async () => {
  const id = await acts.begin(act({ target: { filter: { code: 'too-large' } }, matched: 3, details: { note: 1 } }));
  expect((await acts.list())[0]).toMatchObject({ id, app: 'relay', matched: 3, done: 0, refused: 0, subject: null });
  await acts.add(id, [
    { subject: 'order-b@1', outcome: 'done' },
    { subject: 'order-c@1', outcome: 'refused', code: 'gap', detail: 'one \u0000 is missing' },
  ]);
  expect(await acts.inspect(id)).toMatchObject({
    actor: 'olga',
    reason: 'test data',
    filter: { code: 'too-large' },
    details: { note: 1 },
    done: 1,
    refused: 1,
    effects: [
      { subject: 'order-b@1', outcome: 'done', code: null },
      { subject: 'order-c@1', outcome: 'refused', code: 'gap', detail: 'one \ufffd is missing' },
    ],
  });
});

it('is not there when the transaction that carries it out is not', async () => {
  const before = await acts.list();
  const client = await pool.connect();
  await client.query('BEGIN');
  await acts.record(act(), [{ subject: 'order-x@1', outcome: 'done' }], client);
  await client.query('ROLLBACK');
  client.release();
  expect(await acts.list()).toEqual(before);
});

it('is found by who, what, when, through which app, and on what', async () => {
  await new OperatorActs({ pool, app: 'projector' }).refused(
    act({ act: 'consumer.release', actor: 'ann', target: { subject: 'order-d' } }),
    {
      subject: 'order-d',
      code: 'unknown-type',
    },
  );
  const only = async (filter: Parameters<OperatorActs['list']>[0]) =>
    (await acts.list(filter)).map(({ actor, act: name }) => `${actor} ${name}`);
  expect(await only({ actor: 'ann' })).toEqual(['ann consumer.release']);
  expect(await only({ app: 'projector' })).toEqual(['ann consumer.release']);
  expect(await only({ act: 'outbox.discard' })).toEqual(['olga outbox.discard']);
  expect(await only({ subject: 'order-c' })).toEqual(['olga outbox.discard']);
  expect(await only({ subject: 'order-' })).toEqual([]);
  expect(await only({ to: '2020-01-01T00:00:00Z' })).toEqual([]);
  expect(await only({ from: '2020-01-01T00:00:00Z' })).toEqual(['ann consumer.release', 'olga outbox.discard']);
  const [newest] = await acts.list({ limit: 1 });
  expect(await only({ before: newest!.number })).toEqual(['olga outbox.discard']);
  expect(await acts.inspect('00000000-0000-4000-8000-000000000000')).toBeUndefined();
});

it.each(['operator_acts', 'operator_act_effects'])('tidemark.%s takes no change and no deletion', async (table) => {
  const column = table === 'operator_acts' ? 'reason' : 'detail';
  for (const sql of [
    `UPDATE tidemark.${table} SET ${column} = 'x'`,
    `DELETE FROM tidemark.${table}`,
    `TRUNCATE tidemark.${table} CASCADE`,
  ]) {
    await expect(pool.query(sql)).rejects.toThrow('only ever added to');
  }
});
