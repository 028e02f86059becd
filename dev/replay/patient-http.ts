import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';

export interface HttpAnswer {
  readonly status: number;
  /** The parsed JSON body; null when there was none, or it was no JSON. */
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface PatientHttpOptions {
  /** e.g. `http://127.0.0.1:4001` */
  readonly origin: string;
  /** Most requests on their way at once; connections are kept alive. */
  readonly connections: number;
  /** How long nothing at all may be answered before the server is given up. Default 120,000 ms. */
  readonly giveUpAfterMs?: number;
  /** How long one answer may take before the request is repeated. Default 30,000 ms. */
  readonly answerWithinMs?: number;
}

/** The server has not answered anything usable for as long as it is worth waiting. */
export class ServerGoneError extends Error {
  constructor(origin: string, seconds: number, reason: string) {
    super(`${origin} has not answered for ${seconds} s (last: ${reason})`);
    this.name = 'ServerGoneError';
  }
}

const RETRIED = new Set([408, 429, 500, 502, 503, 504]);
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/**
 * An HTTP client that outlives restarts of its server:
 * - a connection refused or lost, a time-out, 429, 503 and every other 5xx are repeated, after `Retry-After` where it is given;
 * - so is a 409 that says the first request with this key is still running;
 * - every repeat is the same request with the same Idempotency-Key: whatever happened to the first one, the effect is one;
 * - only when nothing was answered for a long time it gives up, with a {@link ServerGoneError}.
 */
export class PatientHttp {
  /** How often something was repeated, by reason. */
  readonly repeats = new Map<string, number>();
  private readonly pool: Pool;
  private readonly origin: string;
  private readonly giveUpAfterMs: number;
  private lastAnswerAt = Date.now();

  constructor({ origin, connections, giveUpAfterMs = 120_000, answerWithinMs = 30_000 }: PatientHttpOptions) {
    this.origin = origin;
    this.giveUpAfterMs = giveUpAfterMs;
    this.pool = new Pool(origin, {
      connections,
      pipelining: 1,
      keepAliveTimeout: 30_000,
      headersTimeout: answerWithinMs,
      bodyTimeout: answerWithinMs,
      connect: { timeout: 5_000 },
    });
  }

  get(path: string): Promise<HttpAnswer> {
    return this.patiently({ method: 'GET', path, headers: { accept: 'application/json' } });
  }

  /** @param key the Idempotency-Key, the same for every repeat */
  post(path: string, key: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    return this.patiently({
      method: 'POST',
      path,
      body: JSON.stringify(body),
      headers: { accept: 'application/json', 'content-type': 'application/json', 'idempotency-key': key, ...headers },
    });
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }

  private async patiently(request: OneRequest): Promise<HttpAnswer> {
    const startedAt = Date.now();
    for (let attempt = 0; ; attempt += 1) {
      const result = await this.once(request);
      if (typeof result !== 'string') {
        const repeat = reasonToRepeat(result);
        if (result.status < 500) this.lastAnswerAt = Date.now();
        if (repeat === undefined) return result;
        await this.pause(repeat, attempt, startedAt, retryAfterMs(result));
      } else {
        await this.pause(result, attempt, startedAt);
      }
    }
  }

  /** A text says why there is no answer. */
  private async once(request: OneRequest): Promise<HttpAnswer | string> {
    try {
      const { statusCode, headers, body } = await this.pool.request(request);
      const text = await body.text();
      return { status: statusCode, headers, body: parsed(text) };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code ?? message;
    }
  }

  private async pause(reason: string, attempt: number, startedAt: number, atLeastMs = 0): Promise<void> {
    this.repeats.set(reason, (this.repeats.get(reason) ?? 0) + 1);
    const silentFor = Date.now() - Math.max(this.lastAnswerAt, startedAt);
    if (silentFor > this.giveUpAfterMs) throw new ServerGoneError(this.origin, Math.round(silentFor / 1000), reason);
    // Half of the pause is random, so that concurrent requests do not come back in one wave.
    const backoff = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * (0.5 + Math.random() / 2);
    await delay(Math.max(atLeastMs, backoff));
  }
}

interface OneRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
}

export function problemCode(answer: HttpAnswer): string | undefined {
  const code = (answer.body as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

function reasonToRepeat(answer: HttpAnswer): string | undefined {
  if (RETRIED.has(answer.status)) return `HTTP ${answer.status}`;
  // A conflict that passes by itself says when to come back; one that is a business refusal does not.
  if (answer.status === 409 && answer.headers['retry-after'] !== undefined) return 'HTTP 409, still running';
  return undefined;
}

function retryAfterMs(answer: HttpAnswer): number {
  const seconds = Number(answer.headers['retry-after']);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 30) * 1000 : 0;
}

function parsed(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
