import { Pool } from 'undici';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type HttpResult =
  | { readonly status: number; readonly headers: Readonly<Record<string, string | string[] | undefined>>; readonly text: string }
  /** Whether it was carried out is not known. */
  | { readonly error: string };

export interface InstancesOptions {
  /** Origins of the instances of one app. */
  readonly urls: readonly string[];
  /** Most connections to each; kept alive. */
  readonly connections: number;
  /** How long an answer may take, milliseconds. */
  readonly timeoutMs: number;
}

/** An instance that took no connection, or did not answer in time, is passed over for so long, milliseconds, while another one is there. */
const AVOIDED_MS = 1_000;
const CONNECT_TIMEOUT_MS = 1_000;

/** The instances of one app as a client behind no load balancer sees them: in turn, those that just failed later. */
export class Instances {
  private readonly pools: readonly { readonly origin: string; readonly pool: Pool; avoidUntil: number }[];
  private turn = 0;

  constructor(private readonly options: InstancesOptions) {
    const { urls, connections, timeoutMs } = options;
    this.pools = urls.map((origin) => ({
      origin,
      avoidUntil: 0,
      pool: new Pool(origin, {
        connections,
        pipelining: 1,
        keepAliveTimeout: 20_000,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        connect: { timeout: CONNECT_TIMEOUT_MS },
      }),
    }));
  }

  /** The next one to ask. */
  choose(): string {
    this.turn += 1;
    const inTurn = this.pools.map((_, index) => this.pools[(this.turn + index) % this.pools.length]!);
    const now = Date.now();
    const free = inTurn.find(({ avoidUntil }) => avoidUntil <= now);
    return (free ?? inTurn.reduce((one, other) => (other.avoidUntil < one.avoidUntil ? other : one))).origin;
  }

  /** Never throws: what went wrong is the result. With a short `withinMs` the client hangs up. */
  async send(origin: string, request: HttpRequest, withinMs = this.options.timeoutMs): Promise<HttpResult> {
    const instance = this.pools.find((each) => each.origin === origin)!;
    try {
      const { statusCode, headers, body } = await instance.pool.request({
        ...request,
        // Also covers the wait for a free connection, which the pool's own time-outs do not.
        signal: AbortSignal.timeout(withinMs),
      });
      return { status: statusCode, headers, text: await body.text() };
    } catch (error) {
      // A client that hung up on purpose has nothing to say about the instance.
      if (withinMs < this.options.timeoutMs) return { error: `hung up after ${withinMs} ms` };
      const { code, name, message } = error as NodeJS.ErrnoException;
      // A connection that was cut says nothing yet: the next one may well be taken.
      if (code !== 'UND_ERR_SOCKET') instance.avoidUntil = Date.now() + AVOIDED_MS;
      return { error: typeof code === 'string' ? code : `${name}: ${message}` };
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.pools.map(({ pool }) => pool.destroy()));
  }
}
