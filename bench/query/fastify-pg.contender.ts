import { fastify, type FastifyRequest } from 'fastify';
import pg from 'pg';
import { rowTypes } from '#platform';
import { ORDER_BY_ID, pageOfOrders } from '../../apps/query-api/orders/order.queries.js';
import { OVERVIEW_OF_ALL_TIME } from '../../apps/query-api/overview/sales-of-all-time.js';
import type { Contender } from '../harness/contender.js';

const PAGE = 50;

/** The ceiling: no framework but Fastify, no layer over the driver, the same SQL as prepared statements. */
export async function open({ port, databaseUrl }: { readonly port: number; readonly databaseUrl: string }): Promise<Contender> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10, options: '-c timezone=UTC', types: rowTypes });
  const names = new Map<string, string>();
  const query = async (text: string, values: unknown[] = []): Promise<any[]> => {
    const name = names.get(text) ?? `read-${names.size}`;
    names.set(text, name);
    return (await pool.query({ name, text, values })).rows;
  };

  const order = async ({ params }: FastifyRequest): Promise<unknown> => {
    const [row] = await query(ORDER_BY_ID, [(params as { orderId: string }).orderId]);
    if (row === undefined) throw new Error('no such order');
    return row;
  };
  const page = async (request: FastifyRequest): Promise<unknown> => {
    const { placedTo } = request.query as { placedTo: string };
    const rows = await query(pageOfOrders('WHERE o.placed_at < $1', String(PAGE + 1)), [placedTo]);
    const items = rows.slice(0, PAGE);
    const last = items.at(-1);
    return { items, nextCursor: rows.length > PAGE ? `${last.placedAt} ${last.orderId}` : null };
  };
  const overview = async (): Promise<unknown> => {
    const [row] = await query(OVERVIEW_OF_ALL_TIME, ['GBP']);
    return row;
  };
  const app = fastify();
  app.route({ method: 'GET', url: '/orders/:orderId', handler: order });
  app.route({ method: 'GET', url: '/orders', handler: page });
  app.route({ method: 'GET', url: '/overview', handler: overview });
  await app.listen({ port, host: '127.0.0.1' });
  return {
    round: () => Promise.reject(new Error('a server is asked over HTTP')),
    close: async () => {
      await app.close();
      await pool.end();
    },
  };
}
