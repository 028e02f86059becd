import type { Transaction } from './transaction.js';

/** By PostgreSQL's name: decides how the driver reads it. */
export type ColumnType = 'bool' | 'int4' | 'int8' | 'text' | 'jsonb' | 'bytea' | 'timestamptz';

export interface StatementResult {
  readonly columns?: readonly (readonly [name: string, type: ColumnType])[];
  readonly rows?: readonly (readonly unknown[])[];
  /** Rows touched, when none are answered. */
  readonly count?: number;
}

/** What one statement of the code under simulation means over memory. */
export type Statement = (transaction: Transaction, values: readonly unknown[]) => StatementResult;

/** An error as the server reports it. */
export class SqlError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const SETTING = /^SET LOCAL (lock_timeout|idle_in_transaction_session_timeout) = (\d+)$/;
/** Here is nothing to plan. */
const PLANNING = /^SET LOCAL enable_/;
const ADVISORY = /^SELECT pg_advisory_xact_lock\((\d+), (\d+)\)$/;

/** The statements a memory database knows: by their prepared name, else by their text. */
export class Statements {
  private readonly named = new Map<string, Statement>();
  private readonly texts: [RegExp, Statement][] = [];

  name(name: string, statement: Statement): this {
    this.named.set(name, statement);
    return this;
  }

  text(pattern: RegExp, statement: Statement): this {
    this.texts.push([pattern, statement]);
    return this;
  }

  /** @throws SqlError 42601 when nobody said what it means */
  find(name: string | undefined, text: string): Statement {
    if (name !== undefined) {
      const statement = this.named.get(name);
      if (statement !== undefined) return statement;
    }
    if (PLANNING.test(text)) return () => ({});
    const setting = SETTING.exec(text);
    if (setting !== null) {
      const ms = Number(setting[2]);
      return (transaction) => {
        if (setting[1] === 'lock_timeout') transaction.lockTimeoutMs = ms;
        else transaction.idleTimeoutMs = ms;
        return {};
      };
    }
    const advisory = ADVISORY.exec(text);
    if (advisory !== null) {
      return (transaction) => {
        transaction.lock(`advisory ${advisory[1]} ${advisory[2]}`);
        return {};
      };
    }
    const found = this.texts.find(([pattern]) => pattern.test(text));
    if (found === undefined) throw new SqlError('42601', `the memory database does not know: ${name ?? ''} ${text.slice(0, 200)}`);
    return found[1];
  }
}

const OIDS: Record<ColumnType, number> = { bool: 16, int4: 23, int8: 20, text: 25, jsonb: 3802, bytea: 17, timestamptz: 1184 };

export const fieldOf = ([name, type]: readonly [string, ColumnType]): object => ({ name, dataTypeID: OIDS[type], format: 'text' });

/** A value as it comes over the wire. */
export function wireText(value: unknown, type: ColumnType): string | null {
  if (value === null || value === undefined) return null;
  switch (type) {
    case 'bool':
      return value === true ? 't' : 'f';
    case 'jsonb':
      return JSON.stringify(value);
    case 'bytea':
      return `\\x${(value as Buffer).toString('hex')}`;
    default:
      return String(value);
  }
}
