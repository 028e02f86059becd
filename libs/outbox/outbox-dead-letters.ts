import { actedAnswer, dryRunAnswer, OperatorActs, type ActedByFilterDto, type Matching } from '#platform';
import type pg from 'pg';

export interface DeadLetter {
  readonly seq: number;
  readonly streamId: string;
  readonly version: number;
  readonly eventId: string;
  readonly type: string;
  /** Stable code. */
  readonly reason: string;
  readonly detail: string;
  /** ISO 8601 UTC. */
  readonly parkedAt: string;
  /** Since it was parked. */
  readonly heldForSeconds: number;
  /** Later rows of the stream that wait because of it. */
  readonly heldBack: number;
}

/** Every criterion given must hold. */
export interface DeadLetterFilter {
  /** Stable code of the reason. */
  readonly code?: string;
  readonly streamId?: string;
  /** Where it would have gone. */
  readonly topic?: string;
  /** Parked at this time or later, ISO 8601. */
  readonly from?: string;
  /** Parked before this time, ISO 8601. */
  readonly to?: string;
}

/** A stream whose events are held back by a dead letter. */
export interface BlockedStream {
  readonly streamId: string;
  /** Of the letter it waits for. */
  readonly code: string;
  readonly since: string;
  readonly seconds: number;
  /** Dead letters of the stream. */
  readonly letters: number;
  /** Rows that wait behind them. */
  readonly waiting: number;
}

export interface DeadLetterAction {
  readonly action: 'parked' | 'released' | 'discarded';
  readonly reason: string;
  readonly actor: string;
  readonly actedAt: string;
}

/** With its message as it would have gone out, and everything that was ever done about it. */
export interface InspectedDeadLetter extends DeadLetter {
  readonly topic: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer | null;
  readonly actions: readonly DeadLetterAction[];
}

export interface OperatorDecision {
  readonly reason: string;
  readonly actor: string;
}

export interface ActByFilter {
  readonly filter: DeadLetterFilter;
  readonly decision: OperatorDecision;
  /** Only count and show them. */
  readonly dryRun: boolean;
  readonly afterSeq: number;
  readonly limit: number;
}

const iso = (column: string): string => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const seconds = (column: string): string => `greatest(extract(epoch FROM clock_timestamp() - ${column}), 0)::integer`;

/** $1 to $5: see criteriaOf. */
const MATCHES = `($1::text IS NULL OR d.reason = $1) AND ($2::text IS NULL OR d.stream_id = $2) AND ($3::text IS NULL OR d.topic = $3)
  AND ($4::timestamptz IS NULL OR d.parked_at >= $4) AND ($5::timestamptz IS NULL OR d.parked_at < $5)`;

const criteriaOf = ({ code, streamId, topic, from, to }: DeadLetterFilter): (string | null)[] =>
  [code, streamId, topic, from, to].map((criterion) => criterion ?? null);

const LETTER = `d.position, d.stream_id, d.version, d.event_id, d.type, d.reason, d.detail, ${iso('d.parked_at')} AS parked_at, ${seconds('d.parked_at')} AS held_for_seconds,
  (SELECT count(*) FROM tidemark.outbox o WHERE o.shard = d.shard AND o.stream_id = d.stream_id)::integer AS held_back`;

/**
 * Rows that could not be published, and what an operator may do about them. Each decision is recorded with the letter
 * (tidemark.dead_letter_actions) and among the operators' acts, in the transaction that carries it out.
 */
export class OutboxDeadLetters {
  readonly #pool: pg.Pool;
  readonly #acts: OperatorActs;

  constructor({ pool, acts = new OperatorActs({ pool, app: 'relay' }) }: { readonly pool: pg.Pool; readonly acts?: OperatorActs }) {
    this.#pool = pool;
    this.#acts = acts;
  }

  /** In order of seq, from behind `afterSeq`. */
  async list({
    afterSeq = 0,
    limit = 100,
    ...filter
  }: DeadLetterFilter & { readonly afterSeq?: number; readonly limit?: number } = {}): Promise<DeadLetter[]> {
    const { rows } = await this.#pool.query(
      `SELECT ${LETTER} FROM tidemark.outbox_dead_letters d WHERE ${MATCHES} AND d.position > $6 ORDER BY d.position LIMIT $7`,
      [...criteriaOf(filter), afterSeq, limit],
    );
    return rows.map(letterOf);
  }

  /** Those blocked longest first. */
  async blockedStreams(limit = 100): Promise<BlockedStream[]> {
    const { rows } = await this.#pool.query<BlockedStream>(
      `SELECT b.stream_id AS "streamId", b.code, ${iso('b.since')} AS since, ${seconds('b.since')} AS seconds, b.letters,
         (SELECT count(*) FROM tidemark.outbox o WHERE o.shard = b.shard AND o.stream_id = b.stream_id)::integer AS waiting
       FROM (
         SELECT stream_id, shard, (array_agg(reason ORDER BY position))[1] AS code, min(parked_at) AS since, count(*)::integer AS letters
         FROM tidemark.outbox_dead_letters GROUP BY stream_id, shard
       ) AS b ORDER BY b.since, b.stream_id LIMIT $1`,
      [limit],
    );
    return rows;
  }

  async inspect(seq: number): Promise<InspectedDeadLetter | undefined> {
    const { rows } = await this.#pool.query(
      `SELECT ${LETTER}, d.topic, d.headers, d.value FROM tidemark.outbox_dead_letters d WHERE d.position = $1`,
      [seq],
    );
    const row = rows[0];
    return row && { ...letterOf(row), topic: row.topic, headers: row.headers, value: row.value, actions: await this.actions(seq) };
  }

  /** Everything that was done about a row, oldest first; also after it left the dead letters. */
  async actions(seq: number): Promise<DeadLetterAction[]> {
    const { rows } = await this.#pool.query(
      `SELECT action, reason, actor, ${iso('acted_at')} AS acted_at FROM tidemark.dead_letter_actions WHERE position = $1 ORDER BY id`,
      [seq],
    );
    return rows.map((row) => ({ action: row.action, reason: row.reason, actor: row.actor, actedAt: row.acted_at }));
  }

  /**
   * Back into the outbox at its old place: it is tried again, before the rows of its stream that waited. Answers false when there is no
   * such dead letter (any more).
   */
  async release(seq: number, decision: OperatorDecision): Promise<boolean> {
    return await this.#act(seq, 'released', decision);
  }

  /**
   * Gives the row up: it is never published, the rows behind it go on without it. Consumers find a gap in the stream and stop there, so
   * this is for a stream that has no consumers, or whose consumers are told. The event itself stays in the store. Answers false when
   * there is no such dead letter (any more).
   */
  async discard(seq: number, decision: OperatorDecision): Promise<boolean> {
    return await this.#act(seq, 'discarded', decision);
  }

  /**
   * {@link release} of all that match, in order of seq and at most `limit` of them, in one transaction. The answer says how many there
   * are and where to go on; a row that is refused again comes back at its old place, which is behind the cursor.
   */
  async releaseAll(options: ActByFilter): Promise<ActedByFilterDto> {
    return await this.#actOnAll('released', options);
  }

  /** {@link discard} of all that match, likewise. */
  async discardAll(options: ActByFilter): Promise<ActedByFilterDto> {
    return await this.#actOnAll('discarded', options);
  }

  async #act(seq: number, action: Decided, { reason, actor }: OperatorDecision): Promise<boolean> {
    return await this.#transaction(async (client) => {
      const [letter] = await decide(client, [seq], action, { reason, actor });
      if (letter === undefined) return false;
      const act = { act: ACTS[action], actor, reason, target: { subject: letter.subject }, matched: 1 };
      await this.#acts.record(act, [{ subject: letter.subject, outcome: 'done' }], client);
      return true;
    });
  }

  async #actOnAll(action: Decided, { filter, decision, dryRun, afterSeq, limit }: ActByFilter): Promise<ActedByFilterDto> {
    return await this.#transaction(async (client) => {
      const found = await matching(client, filter, afterSeq, limit);
      if (dryRun) return dryRunAnswer(found);
      const act = { act: ACTS[action], ...decision, target: { filter: { ...filter, afterSeq, limit } }, matched: found.matched };
      const actId = await this.#acts.begin(act, client);
      const letters = await decide(client, found.seqs, action, decision);
      const effects = letters.map(({ subject }) => ({ subject, outcome: 'done' as const }));
      await this.#acts.add(actId, effects, client);
      return actedAnswer(actId, found, effects);
    });
  }

  async #transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((failure: Error) => (broken = failure));
      throw error;
    } finally {
      client.release(broken);
    }
  }
}

type Decided = Exclude<DeadLetterAction['action'], 'parked'>;

const ACTS: Readonly<Record<Decided, string>> = { released: 'outbox.release', discarded: 'outbox.discard' };

/** Locks them, so that two operators do not decide about the same. */
async function matching(
  client: pg.PoolClient,
  filter: DeadLetterFilter,
  afterSeq: number,
  limit: number,
): Promise<Matching & { readonly seqs: readonly number[] }> {
  const criteria = [...criteriaOf(filter), afterSeq];
  const { rows: counted } = await client.query<{ matched: number }>(
    `SELECT count(*)::integer AS matched FROM tidemark.outbox_dead_letters d WHERE ${MATCHES} AND d.position > $6`,
    criteria,
  );
  const { rows } = await client.query<{ position: string | number; stream_id: string; version: number }>(
    `SELECT d.position, d.stream_id, d.version FROM tidemark.outbox_dead_letters d
     WHERE ${MATCHES} AND d.position > $6 ORDER BY d.position LIMIT $7 FOR UPDATE`,
    [...criteria, limit],
  );
  const seqs = rows.map(({ position }) => Number(position));
  const last = seqs.length === 0 ? null : String(seqs.at(-1));
  // Counted first, so never less than what is locked now.
  return { matched: Math.max(counted[0]?.matched ?? 0, rows.length), subjects: rows.map(subjectOf), last, seqs };
}

/** Takes rows out of the dead letters; those released go back to the outbox at their old place. */
async function decide(
  client: pg.PoolClient,
  seqs: readonly number[],
  action: Decided,
  { reason, actor }: OperatorDecision,
): Promise<{ readonly subject: string }[]> {
  const requeued =
    action === 'released'
      ? 'requeued AS (INSERT INTO tidemark.outbox (shard, position, stream_id) SELECT shard, position, stream_id FROM letter),'
      : '';
  const { rows } = await client.query<{ stream_id: string; version: number }>(
    `WITH letter AS (
       DELETE FROM tidemark.outbox_dead_letters WHERE position = ANY ($1::bigint[])
       RETURNING position, shard, stream_id, version, event_id
     ), ${requeued}
     raised AS (UPDATE tidemark.outbox_epoch SET n = n + 1 WHERE EXISTS (SELECT FROM letter)),
     noted AS (
       INSERT INTO tidemark.dead_letter_actions (position, stream_id, version, event_id, action, reason, actor)
       SELECT position, stream_id, version, event_id, $2, $3, $4 FROM letter
     )
     SELECT stream_id, version FROM letter ORDER BY position`,
    [seqs, action, reason, actor],
  );
  return rows.map((row) => ({ subject: subjectOf(row) }));
}

const subjectOf = ({ stream_id: stream, version }: { stream_id: string; version: number }): string => `${stream}@${version}`;

function letterOf(row: Record<string, unknown>): DeadLetter {
  return {
    seq: Number(row.position),
    streamId: row.stream_id as string,
    version: row.version as number,
    eventId: row.event_id as string,
    type: row.type as string,
    reason: row.reason as string,
    detail: row.detail as string,
    parkedAt: row.parked_at as string,
    heldForSeconds: row.held_for_seconds as number,
    heldBack: row.held_back as number,
  };
}
