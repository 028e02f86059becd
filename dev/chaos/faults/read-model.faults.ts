import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY_ROOT } from '../../paths.js';
import { INSTANCES } from '../stack/instance.js';
import type { FaultContext, FaultKind } from './fault.js';

const HIT = {
  instances: INSTANCES.filter(({ app }) => app === 'projector' || app === 'query-api'),
  stages: ['projection', 'queries'],
} as const;
/** The rebuild itself needs PostgreSQL for all of its time. */
const occupies = (): string[] => ['read models', 'postgres'];
const REBUILD_DEADLINE_MS = 300_000;

/** A figure of each read model that a slip in psql would falsify. */
const FIGURES: Readonly<Record<string, { readonly table: string; readonly column: string }>> = {
  orders: { table: 'read.orders', column: 'total' },
  stock: { table: 'read.stock_levels', column: 'received' },
  customers: { table: 'read.customers', column: 'orders' },
  products: { table: 'read.product_sales', column: 'units' },
};

const changedByHand: FaultKind = {
  kind: 'read model changed by hand',
  targets: Object.keys(FIGURES),
  holdMs: [500, 2_000],
  occupies,
  async inject(context) {
    const { watch, target, random } = context;
    const { table, column } = FIGURES[target]!;
    const rows = random.between(1, 3);
    await watch.rows(
      `UPDATE ${table} SET ${column} = ${column} + 1
       WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} ORDER BY md5(ctid::text || $1) LIMIT ${rows}))`,
      [String(random.between(0, 1_000_000))],
    );
    return {
      heal: async () => {
        const { code, output } = await rebuild(context, target, ['--accept']);
        if (code !== 0) throw new Error(`the rebuild of ${target} failed: ${output}`);
      },
      hit: HIT,
      note: `${rows} rows of ${table}`,
    };
  },
};

/** Beside the live tables, while they change; the two must be equal when they are exchanged. */
const rebuildUnderLoad: FaultKind = {
  kind: 'rebuild under load',
  targets: ['orders', 'stock', 'customers', 'products', 'overview', 'fulfilments'],
  holdMs: [0, 0],
  occupies,
  async inject(context) {
    const beganAt = Date.now();
    const { code, output } = await rebuild(context, context.target, []);
    const note = `took ${((Date.now() - beganAt) / 1000).toFixed(1)} s`;
    if (code === 0) return { hit: HIT, note };
    return { hit: HIT, note, defect: defectOf(context.target, output, context.hadCompany() || context.signal.aborted) };
  },
};

/** Of a rebuild that did not end well. Throws when it is none: whoever was `disturbed` may fail, but must never find a difference. */
export function defectOf(target: string, output: string, disturbed: boolean): string {
  if (output.includes('DIFFERENT')) return `the rebuilt ${target} differ from the live ones: ${output}`;
  if (disturbed) throw new Error(`the rebuild failed beside another fault: ${output}`);
  return `the rebuild of ${target} failed, and nothing else was broken: ${output}`;
}

async function rebuild(
  { stack, signal }: FaultContext,
  projection: string,
  options: readonly string[],
): Promise<{ code: number; output: string }> {
  const script = join(REPOSITORY_ROOT, 'dist', 'apps', 'projector', 'rebuild.js');
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script, projection, ...options], {
      env: { ...process.env, DATABASE_URL: stack.databaseUrl },
      timeout: REBUILD_DEADLINE_MS,
      signal,
    });
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stdout = '', stderr = '', message } = error as { code?: unknown; stdout?: string; stderr?: string; message: string };
    return { code: typeof code === 'number' ? code : 1, output: (stdout + stderr || message).trim().slice(-1_000) };
  }
}

export const readModelFaults: readonly FaultKind[] = [changedByHand, rebuildUnderLoad];
