import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A line to a server. `goDead`: what is connected stays connected, and no byte passes any more; what connects later is answered. */
export class Line {
  private readonly ends = new Set<Socket>();
  private readonly door: Server;

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

  close(): void {
    this.ends.forEach((end) => end.destroy());
    this.door.close();
  }
}
