import { createLogger, type RunningApp } from '#platform';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { startCommandApi } from '../command-api.js';
import { undocumented, type OpenApi } from './documented.js';

interface Database {
  readonly url: string;
  drop(): Promise<void>;
}

export interface Answer {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Parsed; undefined when the answer has no body. */
  readonly body: any;
}

export interface Ask {
  readonly headers?: Record<string, string>;
  /** An object is sent as JSON, a string or bytes as they are. */
  readonly body?: unknown;
}

/** A command API of its own on a given database. Keeps every answer, to compare them with the OpenAPI document at the end. */
export class TestApi {
  readonly answers: Answer[] = [];

  private constructor(
    readonly app: RunningApp,
    readonly database: Database,
    readonly sql: pg.Pool,
  ) {}

  static async start(database: Database): Promise<TestApi> {
    const app = await startCommandApi({
      config: {
        DATABASE_URL: database.url,
        PORT: 0,
        HOST: '127.0.0.1',
        LOG_LEVEL: 'silent',
        DATABASE_POOL_SIZE: 5,
        MAX_COMMANDS_IN_FLIGHT: 5_000,
      },
      logger: createLogger({ app: 'command-api', level: 'silent' }),
      handleSignals: false,
    });
    return new TestApi(app, database, new pg.Pool({ connectionString: database.url, max: 1 }));
  }

  /** Ends the app, having made sure that it never answered what its OpenAPI document does not say. */
  async close({ keepDatabase = false } = {}): Promise<void> {
    const document = (await (await fetch(`${this.app.url}/openapi.json`)).json()) as OpenApi;
    await this.app.close();
    await this.sql.end();
    if (!keepDatabase) await this.database.drop();
    const complaints = this.answers.flatMap((answer) => undocumented(document, answer));
    if (complaints.length > 0) throw new Error(`undocumented answers:\n${[...new Set(complaints)].join('\n')}`);
  }

  async ask(method: string, path: string, { headers = {}, body }: Ask = {}): Promise<Answer> {
    const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(`${this.app.url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: raw ? (body as string | undefined) : JSON.stringify(body),
    });
    const text = await response.text();
    const json = /json/.test(response.headers.get('content-type') ?? '');
    const answer = { method, path, status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : undefined };
    this.answers.push(answer);
    return answer;
  }

  get(path: string, headers?: Record<string, string>): Promise<Answer> {
    return this.ask('GET', path, { headers });
  }

  /** A command under a key of its own unless one is given. */
  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask('POST', path, { body, headers: { 'idempotency-key': randomUUID(), ...headers } });
  }

  async count(table: 'events' | 'commands' | 'outbox' | 'streams', where = 'true'): Promise<number> {
    const { rows } = await this.sql.query(`SELECT count(*)::int AS count FROM tidemark.${table} WHERE ${where}`);
    return rows[0].count;
  }
}
