import { EventEmitter } from 'node:events';
import { BinaryArray } from '#event-store';
import type { Kernel, SimulatedProcess } from '../kernel/kernel.js';
import type { MemoryPostgres } from './memory-postgres.js';
import type { Session } from './session.js';

/** What a client asks of its session at once. */
export interface ServerQuery {
  readonly name: string | undefined;
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * The place of pg's own Connection, below its Client: the same messages in the same order, but they reach a server in memory, each way in
 * steps of the kernel. So Client, Query and Pool are the real ones, with all that they do when a session dies.
 */
export class MemoryConnection extends EventEmitter {
  readonly parsedStatements: Record<string, string> = {};
  readonly submittedNamedStatements: Record<string, string> = {};
  readonly stream = { destroy: (): void => this.destroy() };
  _connecting = false;
  _ending = false;
  session: Session | undefined;
  /** The client has seen the end. */
  private ended = false;
  private readonly kernel: Kernel;
  private readonly owner: SimulatedProcess | undefined;
  private readonly toServer: (() => void)[] = [];
  private readonly toClient: (() => void)[] = [];
  private prepared: { name: string | undefined; text: string; values: readonly unknown[] } = { name: undefined, text: '', values: [] };
  private readonly texts = new Map<string, string>();

  constructor(private readonly server: MemoryPostgres) {
    super();
    this.kernel = server.kernel;
    this.owner = this.kernel.current;
  }

  get process(): SimulatedProcess | undefined {
    return this.owner;
  }

  connect(): void {
    this._connecting = true;
    this.send('connect', () => this.server.accept(this));
  }

  startup(): void {}
  ref(): void {}
  unref(): void {}
  close(): void {}
  describe(): void {}
  execute(): void {}
  flush(): void {}

  parse({ text, name }: { text: string; name?: string }): void {
    if (name !== undefined) this.texts.set(name, text);
    this.prepared = { name, text, values: [] };
  }

  bind({ statement, values }: { statement?: string; values?: readonly unknown[] }): void {
    const text = statement === undefined ? this.prepared.text : (this.texts.get(statement) ?? '');
    this.prepared = { name: statement, text, values: (values ?? []).map(arrayOf) };
  }

  sync(): void {
    const query = this.prepared;
    this.send(query.name ?? labelOf(query.text), () => this.session?.receive(query));
  }

  query(text: string): void {
    this.send(labelOf(text), () => this.session?.receive({ name: undefined, text, values: [] }));
  }

  end(): void {
    this._ending = true;
    this.send('terminate', () => {
      this.session?.close();
      this.deliver('end', () => this.finish());
    });
  }

  /** In order, some time later, in the process of the client. */
  deliver(label: string, message: () => void): void {
    this.toClient.push(message);
    this.kernel.schedule(`db ${label}`, this.owner, () => this.toClient.shift()?.(), this.server.latencyMs());
  }

  /** The server's end of the connection is gone. */
  finish(error?: Error): void {
    if (this.ended) return;
    this.ended = true;
    if (error !== undefined) this.emit('error', error);
    this.emit('end');
  }

  /** Nothing that is still on its way to the client arrives. */
  cut(): void {
    this.toClient.length = 0;
  }

  private destroy(): void {
    this.cut();
    this.kernel.schedule('db connection destroyed', this.owner, () => this.finish());
    this.send('destroyed', () => this.session?.close());
  }

  private send(label: string, message: () => void): void {
    this.toServer.push(message);
    this.kernel.schedule(`db <- ${label}`, undefined, () => this.toServer.shift()?.(), this.server.latencyMs());
  }
}

/** As the server understands it. */
const arrayOf = (value: unknown): unknown => (value instanceof BinaryArray ? value.values : value);

const labelOf = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, 60);
