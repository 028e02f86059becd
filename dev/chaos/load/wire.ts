import type { Answered, Attempt, Intent } from '../history/history-record.js';
import type { HistoryWriter } from '../history/history-writer.js';
import type { HttpResult, Instances } from './instances.js';
import type { CommandRequest } from './request.js';

export interface WireOptions {
  readonly commands: Instances;
  readonly queries: Instances;
  readonly history: HistoryWriter;
}

export interface Read {
  readonly intent: Extract<Intent, `read-${string}`>;
  readonly path: string;
  /** The answer must be at least as new; goes along with reads of the query side. */
  readonly token: string;
}

/** Every request and every answer, written down before it leaves and when it comes. */
export class Wire {
  /** Requests without an answer at this moment. */
  inFlight = 0;
  private n = 0;

  constructor(private readonly options: WireOptions) {}

  /** undefined: no answer came. */
  async command(request: CommandRequest, attempt: Attempt, hangUpAfterMs?: number): Promise<Answered | undefined> {
    const { intent, key, path, body, fingerprint } = request;
    const { commands } = this.options;
    const target = commands.choose();
    const n = this.sent({ target, method: 'POST', path, key, fingerprintOf: fingerprint, body, intent, attempt });
    const headers = { accept: 'application/json', 'content-type': 'application/json', 'idempotency-key': key, 'x-actor': 'chaos' };
    return this.heard(n, commands.send(target, { method: 'POST', path, headers, body: JSON.stringify(body) }, hangUpAfterMs));
  }

  async read({ intent, path, token }: Read): Promise<Answered | undefined> {
    const instances = intent === 'read-order-state' ? this.options.commands : this.options.queries;
    const target = instances.choose();
    const n = this.sent({ target, method: 'GET', path, key: null, fingerprintOf: null, body: null, intent, attempt: 'first', token });
    return this.heard(n, instances.send(target, { method: 'GET', path, headers: { accept: 'application/json' } }));
  }

  private sent(request: Omit<Parameters<HistoryWriter['write']>[0] & { kind: 'sent' }, 'kind' | 'n' | 'at'>): number {
    const n = (this.n += 1);
    this.options.history.write({ kind: 'sent', n, at: Date.now(), ...request });
    return n;
  }

  private async heard(n: number, pending: Promise<HttpResult>): Promise<Answered | undefined> {
    this.inFlight += 1;
    const result = await pending;
    this.inFlight -= 1;
    const at = Date.now();
    if ('error' in result) {
      this.options.history.write({ kind: 'unanswered', n, at, error: result.error });
      return undefined;
    }
    const answered = answerOf(n, at, result);
    this.options.history.write(answered);
    return answered;
  }
}

function answerOf(n: number, at: number, { status, headers, text }: Exclude<HttpResult, { error: string }>): Answered {
  const body = parsed(text);
  const code = body?.['code'];
  const retryAfter = Number(headers['retry-after'] ?? NaN);
  return {
    kind: 'answered',
    n,
    at,
    status,
    ...(status >= 400 && typeof code === 'string' && { code }),
    body,
    ...(Number.isFinite(retryAfter) && { retryAfter }),
    ...(headers['idempotency-replayed'] === 'true' && { replayed: true }),
  };
}

function parsed(text: string): Answered['body'] {
  try {
    const body = JSON.parse(text) as unknown;
    return typeof body === 'object' && body !== null ? (body as Answered['body']) : null;
  } catch {
    return null;
  }
}
