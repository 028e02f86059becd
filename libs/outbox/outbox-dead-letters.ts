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
  /** Later rows of the stream that wait because of it. */
  readonly heldBack: number;
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

const iso = (column: string): string =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "${column.replace('d.', '')}"`;

const LETTER = `d.position, d.stream_id, d.version, d.event_id, d.type, d.reason, d.detail, ${iso('d.parked_at')},
  (SELECT count(*) FROM tidemark.outbox o WHERE o.shard = d.shard AND o.stream_id = d.stream_id)::integer AS held_back`;

/** Rows that could not be published, and what an operator may do about them. Each decision is recorded in tidemark.dead_letter_actions. */
export class OutboxDeadLetters {
  readonly #pool: pg.Pool;

  constructor({ pool }: { readonly pool: pg.Pool }) {
    this.#pool = pool;
  }

  /** In order of seq, from behind `afterSeq`. */
  async list({ afterSeq = 0, limit = 100 }: { readonly afterSeq?: number; readonly limit?: number } = {}): Promise<DeadLetter[]> {
    const { rows } = await this.#pool.query(
      `SELECT ${LETTER} FROM tidemark.outbox_dead_letters d WHERE d.position > $1 ORDER BY d.position LIMIT $2`,
      [afterSeq, limit],
    );
    return rows.map(letterOf);
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
      `SELECT action, reason, actor, ${iso('acted_at')} FROM tidemark.dead_letter_actions WHERE position = $1 ORDER BY id`,
      [seq],
    );
    return rows.map((row) => ({ action: row.action, reason: row.reason, actor: row.actor, actedAt: row.acted_at }));
  }

  /**
   * Back into the outbox at its old place: it is tried again, before the rows of its stream that waited. Answers false when there is no
   * such dead letter (any more).
   */
  async release(seq: number, decision: OperatorDecision): Promise<boolean> {
    return await this.#act(
      seq,
      'released',
      decision,
      'requeued AS (INSERT INTO tidemark.outbox (shard, position, stream_id) SELECT shard, position, stream_id FROM letter),',
    );
  }

  /**
   * Gives the row up: it is never published, the rows behind it go on without it. Consumers find a gap in the stream and stop there, so
   * this is for a stream that has no consumers, or whose consumers are told. The event itself stays in the store. Answers false when
   * there is no such dead letter (any more).
   */
  async discard(seq: number, decision: OperatorDecision): Promise<boolean> {
    return await this.#act(seq, 'discarded', decision, '');
  }

  async #act(seq: number, action: DeadLetterAction['action'], { reason, actor }: OperatorDecision, effect: string): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `WITH letter AS (
         DELETE FROM tidemark.outbox_dead_letters WHERE position = $1 RETURNING position, shard, stream_id, version, event_id
       ), ${effect}
       raised AS (UPDATE tidemark.outbox_epoch SET n = n + 1 WHERE EXISTS (SELECT FROM letter)),
       noted AS (
         INSERT INTO tidemark.dead_letter_actions (position, stream_id, version, event_id, action, reason, actor)
         SELECT position, stream_id, version, event_id, $2, $3, $4 FROM letter
       )
       SELECT FROM letter`,
      [seq, action, reason, actor],
    );
    return rowCount === 1;
  }
}

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
    heldBack: row.held_back as number,
  };
}
