import { Pool, errors } from 'undici';
import type { HttpAnswer } from './http-answers.js';
import type { HostileRequest } from './http-request.js';

/** Names that this client keeps to itself. */
const ITS_OWN = new Set(['connection', 'upgrade', 'expect', 'te', 'trailer', 'host', 'keep-alive']);

/** Hostile requests as a well-behaved client sends them; undefined when it refuses to. */
export class UndiciLane {
  private readonly pool: Pool;

  constructor(url: string, deadlineMs: number) {
    this.pool = new Pool(url, { connections: 4, headersTimeout: deadlineMs, bodyTimeout: deadlineMs });
  }

  async send({ method, target, headers, body }: HostileRequest): Promise<HttpAnswer | undefined> {
    try {
      const answer = await this.pool.request({
        method: method as 'GET',
        path: target,
        headers: Object.fromEntries(headers.filter(([name]) => !ITS_OWN.has(name))),
        body: body ?? null,
      });
      const given = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, String(value)]));
      // An endless answer is not waited for.
      if (given['content-type']?.startsWith('text/event-stream')) answer.body.on('error', () => undefined).destroy();
      const bytes = given['content-type']?.startsWith('text/event-stream') ? Buffer.alloc(0) : Buffer.from(await answer.body.arrayBuffer());
      return { status: answer.statusCode, headers: given, body: bytes };
    } catch (error) {
      if (error instanceof errors.InvalidArgumentError || error instanceof errors.NotSupportedError || error instanceof TypeError)
        return undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }
}
