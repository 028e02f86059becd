import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * A line to a server. `goDead`: what is connected stays connected, and no byte passes any more; what connects later is answered.
 * `loseTheAnswerTo`: the next such request reaches the server, and its connection ends instead of the answer.
 */
export class Line {
  private readonly ends = new Set<Socket>();
  private readonly door: Server;
  private loseAnswer: (request: Buffer) => (() => void) | undefined = () => undefined;

  private constructor(server: { host: string; port: number }) {
    this.door = createServer((client) => {
      const upstream = connect(server);
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.ends.add(from);
        from.on('error', () => undefined);
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
      client.on('data', (request: Buffer) => {
        const lost = this.loseAnswer(request);
        if (lost === undefined) return;
        upstream.unpipe(client).resume();
        upstream.once('data', () => {
          client.destroy();
          lost();
        });
      });
    }).listen(0, '127.0.0.1');
  }

  static async to(server: { host: string; port: number }): Promise<Line> {
    const line = new Line(server);
    await once(line.door, 'listening');
    return line;
  }

  get port(): number {
    return (this.door.address() as AddressInfo).port;
  }

  goDead(): void {
    for (const end of this.ends) end.unpipe().pause();
  }

  /** Requests are taken as the client writes them: `matches` looks at one piece of data. Resolves when the answer was there, and is lost. */
  loseTheAnswerTo(matches: (request: Buffer) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.loseAnswer = (request) => {
        if (!matches(request)) return undefined;
        this.loseAnswer = () => undefined;
        return resolve;
      };
    });
  }

  close(): void {
    this.ends.forEach((end) => end.destroy());
    this.door.close();
  }
}
