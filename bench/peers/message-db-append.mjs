import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { DATA, newId, OCCURRED_AT, TYPE } from '../../dist/bench/append/append-load.js';
import { closedLoop } from '../../dist/bench/harness/contender.js';

const WRITE = 'SELECT message_store.write_message($1, $2, $3, $4, $5, $6)';

const SQL = fileURLToPath(new URL('node_modules/@eventide/message-db/database/', import.meta.url));
/** What its own install.sh runs, in that order; roles, privileges and views are not needed here. */
const FILES = [
  'schema/message-store',
  'extensions/pgcrypto',
  'tables/messages',
  'types/message',
  ...['hash-64', 'acquire-lock', 'category', 'is-category', 'id', 'cardinal-id', 'stream-version', 'write-message'].map(
    (name) => `functions/${name}`,
  ),
  ...['messages-id', 'messages-stream', 'messages-category'].map((name) => `indexes/${name}`),
];

async function install(databaseUrl) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (const file of FILES) await client.query(await readFile(`${SQL}${file}.sql`, 'utf8'));
  } finally {
    await client.end();
  }
}

/** As its documentation appends: a call for each message, all of a request in one transaction. It keeps no outbox: consumers poll. */
export async function open({ databaseUrl }) {
  await install(databaseUrl);
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10, options: '-c search_path=message_store,public' });
  const write = (client, stream, metadata, version) =>
    client.query({
      name: 'write',
      text: WRITE,
      values: [newId(), stream, TYPE, JSON.stringify(DATA), metadata, version],
    });
  return {
    round: ({ inFlight, events, ms }) =>
      closedLoop(inFlight, ms, async () => {
        const id = newId();
        const metadata = JSON.stringify({ correlationId: id, causationId: id, actor: 'bench', occurredAt: OCCURRED_AT });
        if (events === 1) return await write(pool, `stock-${id}`, metadata, -1);
        const client = await pool.connect();
        try {
          await client.query('BEGIN');
          for (let n = 0; n < events; n += 1) await write(client, `stock-${id}`, metadata, n - 1);
          await client.query('COMMIT');
        } finally {
          client.release();
        }
      }),
    close: () => pool.end(),
  };
}
