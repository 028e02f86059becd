import { randomUUID } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';

/** What an operator sets out to do: to one thing (`subject`), or to all that match (`filter`). */
export interface NewAct {
  /** Stable name, e.g. `outbox.discard`. */
  readonly act: string;
  readonly actor: string;
  readonly reason: string;
  readonly target: { readonly subject: string } | { readonly filter: object };
  /** What else was said, e.g. evidence. */
  readonly details?: object;
  /** Things it was about when it began. */
  readonly matched: number;
}

/** What came of it for one thing. */
export interface ActEffect {
  readonly subject: string;
  readonly outcome: 'done' | 'refused';
  /** Stable code of a refusal. */
  readonly code?: string;
  readonly detail?: string;
}

export interface RecordedAct {
  readonly number: number;
  readonly id: string;
  readonly app: string;
  readonly act: string;
  readonly actor: string;
  readonly reason: string;
  readonly subject: string | null;
  readonly filter: object | null;
  readonly details: object | null;
  readonly matched: number;
  readonly done: number;
  readonly refused: number;
  /** ISO 8601 UTC. */
  readonly actedAt: string;
}

export interface RecordedEffect extends ActEffect {
  readonly recordedAt: string;
}

export interface ActFilter {
  readonly app?: string;
  readonly act?: string;
  readonly actor?: string;
  /** Stream, letter, order: whatever an act was carried out on; a stream also finds acts on its single events. */
  readonly subject?: string;
  /** ISO 8601; included. */
  readonly from?: string;
  /** ISO 8601; not included. */
  readonly to?: string;
  /** Only what is older than this number. */
  readonly before?: number;
  readonly limit?: number;
}

/** What is to be done is already recorded as done: it is the repeat of a transaction whose commit went through unheard. */
export class DoneBeforeError extends Error {}

type Database = Pick<Pool | PoolClient, 'query'>;

const iso = (column: string): string => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const ACT = `a.number::text AS number, a.id, a.app, a.act, a.actor, a.reason, a.subject, a.filter, a.details, a.matched,
  (SELECT count(*) FROM tidemark.operator_act_effects e WHERE e.act_id = a.id AND e.outcome = 'done')::integer AS done,
  (SELECT count(*) FROM tidemark.operator_act_effects e WHERE e.act_id = a.id AND e.outcome = 'refused')::integer AS refused,
  ${iso('a.acted_at')} AS "actedAt"`;

/**
 * The record of what operators did: who, when, what, why, to what, and what came of it.
 * - It is only ever added to; the tables themselves refuse anything else.
 * - An effect is recorded in the transaction that carries the act out, so neither is there without the other.
 * - An act by filter is recorded before its first effect, so that one that was cut off shows how far it came.
 */
export class OperatorActs {
  readonly #pool: Pool;
  readonly #app: string;

  constructor({ pool, app }: { readonly pool: Pool; /** Through which app. */ readonly app: string }) {
    this.#pool = pool;
    this.#app = app;
  }

  /** Answers the act's id. */
  async begin(act: NewAct, database: Database = this.#pool): Promise<string> {
    const id = randomUUID();
    const { subject, filter } = { subject: null, filter: null, ...act.target };
    await database.query(
      `INSERT INTO tidemark.operator_acts (id, app, act, actor, reason, subject, filter, details, matched)
       VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb, $9)`,
      [
        id,
        this.#app,
        act.act,
        act.actor,
        act.reason,
        subject,
        filter === null ? null : JSON.stringify(filter),
        act.details === undefined ? null : JSON.stringify(act.details),
        act.matched,
      ],
    );
    return id;
  }

  async add(id: string, effects: readonly ActEffect[], database: Database = this.#pool): Promise<void> {
    if (effects.length === 0) return;
    await database.query(
      `INSERT INTO tidemark.operator_act_effects (act_id, subject, outcome, code, detail)
       SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[])`,
      [
        id,
        effects.map(({ subject }) => subject),
        effects.map(({ outcome }) => outcome),
        effects.map(({ code }) => code ?? null),
        effects.map(({ detail }) => detail?.replaceAll('\u0000', '\ufffd').slice(0, 2_000) ?? null),
      ],
    );
  }

  /** {@link add} of `subject` as done, in the transaction that does it. Throws DoneBeforeError when the act has done it before. */
  async addDone(id: string, subject: string, database: Database): Promise<void> {
    const { rowCount } = await database.query(
      `INSERT INTO tidemark.operator_act_effects (act_id, subject, outcome)
       SELECT $1, $2, 'done'
       WHERE NOT EXISTS (SELECT FROM tidemark.operator_act_effects WHERE act_id = $1 AND subject = $2 AND outcome = 'done')`,
      [id, subject],
    );
    if (rowCount === 0) throw new DoneBeforeError(`${subject} was done before`);
  }

  async isDone(id: string, subject: string): Promise<boolean> {
    const { rows } = await this.#pool.query(
      `SELECT FROM tidemark.operator_act_effects WHERE act_id = $1 AND subject = $2 AND outcome = 'done' LIMIT 1`,
      [id, subject],
    );
    return rows.length > 0;
  }

  /** An act and all that came of it, together. */
  async record(act: NewAct, effects: readonly ActEffect[], database: Database): Promise<string> {
    const id = await this.begin(act, database);
    await this.add(id, effects, database);
    return id;
  }

  /** An act on one thing that was refused; when nothing else of it is written. */
  async refused(act: NewAct, effect: Omit<ActEffect, 'outcome'>): Promise<void> {
    await this.add(await this.begin(act), [{ ...effect, outcome: 'refused' }]);
  }

  /** Newest first, of every app. */
  async list(filter: ActFilter = {}): Promise<RecordedAct[]> {
    const { rows } = await this.#pool.query<RecordedAct>(
      `SELECT ${ACT} FROM tidemark.operator_acts a
       WHERE ($1::text IS NULL OR a.app = $1) AND ($2::text IS NULL OR a.act = $2) AND ($3::text IS NULL OR a.actor = $3)
         AND ($4::text IS NULL OR a.subject = $4 OR starts_with(a.subject, $4 || '@') OR a.id IN (
           SELECT e.act_id FROM tidemark.operator_act_effects e WHERE e.subject = $4 OR starts_with(e.subject, $4 || '@')))
         AND ($5::timestamptz IS NULL OR a.acted_at >= $5) AND ($6::timestamptz IS NULL OR a.acted_at < $6)
         AND ($7::bigint IS NULL OR a.number < $7)
       ORDER BY a.number DESC LIMIT $8`,
      [
        filter.app ?? null,
        filter.act ?? null,
        filter.actor ?? null,
        filter.subject ?? null,
        filter.from ?? null,
        filter.to ?? null,
        filter.before ?? null,
        filter.limit ?? 100,
      ],
    );
    return rows.map(actOf);
  }

  /** With what came of it, in order; at most `limit` effects. */
  async inspect(id: string, limit = 1_000): Promise<(RecordedAct & { readonly effects: RecordedEffect[] }) | undefined> {
    const { rows } = await this.#pool.query<RecordedAct>(`SELECT ${ACT} FROM tidemark.operator_acts a WHERE a.id = $1`, [id]);
    const [row] = rows;
    if (row === undefined) return undefined;
    const effects = await this.#pool.query<RecordedEffect>(
      `SELECT subject, outcome, code, detail, ${iso('recorded_at')} AS "recordedAt" FROM tidemark.operator_act_effects
       WHERE act_id = $1 ORDER BY number LIMIT $2`,
      [id, limit],
    );
    return { ...actOf(row), effects: effects.rows };
  }
}

const actOf = (row: RecordedAct): RecordedAct => ({ ...row, number: Number(row.number) });
