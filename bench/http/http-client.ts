import { Pool } from 'undici';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** So many connections that are kept, one request at a time on each. */
export class HttpClient {
  private readonly pool: Pool;

  constructor(origin: string, connections: number) {
    this.pool = new Pool(origin, { connections, pipelining: 1, headersTimeout: 20_000, bodyTimeout: 20_000 });
  }

  /**
   * The answer's bytes are counted and thrown away: the load must cost less than what it measures.
   * @throws Error when it is answered with another status
   */
  ask({ method, path, headers, body }: HttpRequest, expected: number): Promise<number> {
    return new Promise((resolve, reject) => {
      let status = 0;
      let bytes = 0;
      this.pool.dispatch(
        { method, path, headers, body: body ?? null },
        {
          onRequestStart: () => undefined,
          onResponseStart: (_controller, statusCode) => void (status = statusCode),
          onResponseData: (_controller, chunk) => void (bytes += chunk.length),
          onResponseEnd: () =>
            status === expected
              ? resolve(bytes)
              : reject(new Error(`${method} ${path} was answered with ${status} instead of ${expected}`)),
          onResponseError: (_controller, error) => reject(error),
        },
      );
    });
  }

  close(): Promise<void> {
    return this.pool.close();
  }
}
