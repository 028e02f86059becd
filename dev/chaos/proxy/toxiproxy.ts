/** A way a connection can be bad; `stream` is upstream for what the client sends, downstream for what it gets. */
export interface Toxic {
  readonly type: 'latency' | 'bandwidth' | 'timeout' | 'reset_peer' | 'slicer' | 'limit_data';
  readonly stream: 'upstream' | 'downstream';
  readonly attributes: Readonly<Record<string, number>>;
}

export interface ProxyRoute {
  readonly name: string;
  readonly listenPort: number;
  readonly upstreamPort: number;
}

const TIMEOUT_MS = 5_000;

/** Speaks to a Toxiproxy server. Every method throws when that server does not do as told. */
export class Toxiproxy {
  constructor(private readonly baseUrl: string) {}

  async isUp(): Promise<boolean> {
    await this.call('GET', '/version');
    return true;
  }

  async add({ name, listenPort, upstreamPort }: ProxyRoute): Promise<void> {
    await this.call('POST', '/proxies', {
      name,
      listen: `127.0.0.1:${listenPort}`,
      upstream: `127.0.0.1:${upstreamPort}`,
      enabled: true,
    });
  }

  /** Disabled: every connection is closed, new ones are refused. */
  async enable(proxy: string, enabled: boolean): Promise<void> {
    await this.call('POST', `/proxies/${proxy}`, { enabled });
  }

  async addToxic(proxy: string, name: string, { type, stream, attributes }: Toxic): Promise<void> {
    await this.call('POST', `/proxies/${proxy}/toxics`, { name, type, stream, toxicity: 1, attributes });
  }

  /** Gone already is as good. */
  async removeToxic(proxy: string, name: string): Promise<void> {
    await this.call('DELETE', `/proxies/${proxy}/toxics/${name}`, undefined, [404]);
  }

  /** All proxies enabled, all toxics gone. */
  async reset(): Promise<void> {
    await this.call('POST', '/reset');
  }

  private async call(method: string, path: string, body?: object, alsoFine: readonly number[] = []): Promise<void> {
    const response = await fetch(`${this.baseUrl}${path}`, {
      method,
      headers: { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (!response.ok && !alsoFine.includes(response.status))
      throw new Error(`the proxy answered ${response.status} to ${method} ${path}: ${text.slice(0, 200)}`);
  }
}
