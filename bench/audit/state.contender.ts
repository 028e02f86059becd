import { closedLoop, type Contender } from '../harness/contender.js';
import { HttpClient } from '../http/http-client.js';

export interface StateLoad {
  readonly readers: number;
  /** Milliseconds. */
  readonly ms: number;
}

/** An auditor who asks for a state, again and again. */
export async function open({ url, path }: { readonly url: string; readonly path: string }): Promise<Contender<StateLoad>> {
  const client = new HttpClient(url, 1);
  return {
    round: ({ readers, ms }) => closedLoop(readers, ms, () => client.ask({ method: 'GET', path }, 200)),
    close: () => client.close(),
  };
}
