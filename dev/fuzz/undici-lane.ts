import { Client, errors } from 'undici';
import type { HttpAnswer } from './http-answers.js';
import type { HostileRequest } from './http-request.js';

/** Names that this client keeps to itself. */
const ITS_OWN = new Set(['connection', 'upgrade', 'expect', 'te', 'trailer', 'host', 'keep-alive']);

/** What goes out of a request: of several headers of a name the last. */
export const asSent = (request: HostileRequest): HostileRequest => ({
  ...request,
  headers: [...new Map(request.headers.filter(([name]) => !ITS_OWN.has(name)))],
});

/** Hostile requests as a well-behaved client sends them, each on a connection of its own: one gone wrong holds up no other. */
export class UndiciLane {
  constructor(
    private readonly url: string,
    private readonly deadlineMs: number,
  ) {}

  /** Undefined when the client refuses to send it. */
  async send(request: HostileRequest): Promise<HttpAnswer | undefined> {
    const { method, target, headers, body } = asSent(request);
    // It would wait for a tunnel.
    if (method === 'CONNECT') return undefined;
    const client = new Client(this.url, { headersTimeout: this.deadlineMs, bodyTimeout: this.deadlineMs });
    try {
      const answer = await client.request({
        method: method as 'GET',
        path: target,
        headers: Object.fromEntries(headers),
        body: body ?? null,
        signal: AbortSignal.timeout(this.deadlineMs),
      });
      const given = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, String(value)]));
      // An endless answer is not waited for.
      const endless = given['content-type']?.startsWith('text/event-stream') ?? false;
      if (endless) answer.body.on('error', () => undefined);
      const bytes = endless ? Buffer.alloc(0) : Buffer.from(await answer.body.arrayBuffer());
      return { status: answer.statusCode, headers: given, body: bytes };
    } catch (error) {
      const refused =
        error instanceof errors.InvalidArgumentError || error instanceof errors.NotSupportedError || error instanceof TypeError;
      if (refused) return undefined;
      throw error;
    } finally {
      void client.destroy();
    }
  }
}
