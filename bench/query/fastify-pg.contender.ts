import { fastify } from 'fastify';
import pg from 'pg';
import type { EntityManager } from 'typeorm';
import { salesOfAllTime } from '../../apps/query-api/overview/sales-of-all-time.js';
import type { Contender } from '../harness/contender.js';

const INT8 = 20;
pg.types.setTypeParser(INT8, Number);

const SUMMARY = `order_id AS "orderId", reference, status, customer_id AS "customerId", guest, country, currency, total, line_count AS "lineCount",
  units, placed_at AS "placedAt", coalesce(cancelled_at, rejected_at, confirmed_at) AS "endedAt", refusal_code AS "refusalCode", version`;

/** The ceiling: no framework but Fastify, no layer over the driver, prepared statements, the same SQL. */
export async function open({ port, databaseUrl }: { readonly port: number; readonly databaseUrl: string }): Promise<Contender> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10, options: '-c timezone=UTC' });
  const app = fastify();

  app.get<{ Params: { orderId: string } }>('/orders/:orderId', async (request, reply) => {
    const { rows } = await pool.query({
      name: 'order',
      text: `
        SELECT ${SUMMARY}, refusal_detail, shortages, cancelled_from, cancel_reason, confirmed_recorded_at, placed_recorded_at,
          (SELECT coalesce(json_agg(json_build_object('lineNo', line_no, 'sku', sku, 'description', description, 'quantity', quantity,
             'unitPrice', unit_price) ORDER BY line_no), '[]') FROM read.order_lines l WHERE l.order_id = o.order_id) AS lines,
          (SELECT coalesce(json_agg(json_build_object('version', version, 'status', status, 'detail', detail, 'actor', actor,
             'occurredAt', occurred_at, 'recordedAt', recorded_at) ORDER BY version), '[]')
           FROM read.order_history h WHERE h.order_id = o.order_id) AS history
        FROM read.orders o WHERE order_id = $1`,
      values: [request.params.orderId],
    });
    return rows[0] ?? reply.code(404).send();
  });

  app.get<{ Querystring: { placedTo: string } }>('/orders', async (request) => {
    const { rows } = await pool.query({
      name: 'page',
      text: `SELECT ${SUMMARY} FROM read.orders WHERE placed_at < $1 ORDER BY placed_at DESC, order_id DESC LIMIT 51`,
      values: [request.query.placedTo],
    });
    const items = rows.slice(0, 50);
    return { items, nextCursor: rows.length > 50 ? items.at(-1).orderId : null };
  });

  app.get('/overview', async () => {
    const query = async (text: string, values: unknown[]) => (await pool.query({ name: text.slice(0, 60), text, values })).rows;
    const [sales, lowest, skus, fulfilments] = await Promise.all([
      salesOfAllTime({ query } as unknown as EntityManager, 'GBP'),
      query(
        'SELECT sku, available, reorder_level FROM read.stock_levels WHERE available <= reorder_level ORDER BY available, sku LIMIT 10',
        [],
      ),
      query('SELECT count(*) FROM read.stock_levels WHERE available <= reorder_level', []),
      query('SELECT status, count(*) FROM read.fulfilments GROUP BY status', []),
    ]);
    return { from: null, to: null, currency: 'GBP', ...sales, lowStock: { skus: skus[0].count, lowest }, fulfilments };
  });

  await app.listen({ port, host: '127.0.0.1' });
  return {
    round: () => Promise.reject(new Error('a server is asked over HTTP')),
    close: async () => {
      await app.close();
      await pool.end();
    },
  };
}
