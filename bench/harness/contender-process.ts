import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Measure } from './contender.js';

export type ToContender = { readonly kind: 'round'; readonly load: unknown } | { readonly kind: 'close' };
export type FromContender =
  | { readonly kind: 'open' }
  | { readonly kind: 'measured'; readonly measure: Measure }
  | { readonly kind: 'failed'; readonly why: string };

const MAIN = fileURLToPath(new URL('contender-main.js', import.meta.url));

/** A contender in its own process, seen from the outside. */
export class ContenderProcess {
  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {}

  /**
   * @param module file whose `open` makes the contender
   * @param execArgv of Node
   * @throws Error with what the process said
   */
  static async open(name: string, module: string, settings: unknown, execArgv: readonly string[] = []): Promise<ContenderProcess> {
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const;
    const child = fork(MAIN, [module, JSON.stringify(settings)], { stdio: [...stdio], execArgv: [...execArgv] });
    const contender = new ContenderProcess(name, child);
    await contender.answer();
    return contender;
  }

  async round(load: unknown): Promise<Measure> {
    this.send({ kind: 'round', load });
    const answer = await this.answer();
    if (answer.kind !== 'measured') throw new Error(`${this.name} measured nothing`);
    return answer.measure;
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    if (this.child.connected) this.send({ kind: 'close' });
    await gone;
  }

  private send(message: ToContender): void {
    this.child.send(message);
  }

  private async answer(): Promise<FromContender> {
    const over = new AbortController();
    const { signal } = over;
    try {
      const [answer] = (await Promise.race([
        once(this.child, 'message', { signal }),
        once(this.child, 'exit', { signal }).then(([code]) => [{ kind: 'failed', why: `it ended with ${String(code)}` }]),
      ])) as [FromContender];
      if (answer.kind === 'failed') throw new Error(`${this.name}: ${answer.why}`);
      return answer;
    } finally {
      over.abort();
    }
  }
}
