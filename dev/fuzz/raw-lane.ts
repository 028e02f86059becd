import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from './attacks.js';
import { AnswerReader, NotHttpError, type HttpAnswer } from './http-answers.js';

export interface Exchange {
  readonly answers: readonly HttpAnswer[];
  readonly end: 'answered' | 'closed' | 'silent' | 'left' | 'no-http' | 'refused';
  readonly detail?: string;
}

/** How long a server may go on waiting for the rest of a request before the client gives up, milliseconds. */
const GRACE_MS = 60;

/** One connection after another to one server, and one attack after another on them. */
export class RawLane {
  private socket: Socket | undefined;

  constructor(
    private readonly port: number,
    private readonly deadlineMs: number,
  ) {}

  async run(attack: Attack): Promise<Exchange> {
    // Only what is sure to leave the connection in order shares it with the next.
    const shared = attack.kind === 'content';
    if (!shared) this.close();
    let socket: Socket;
    try {
      socket = await this.connected();
    } catch (error) {
      return { answers: [], end: 'refused', detail: (error as Error).message };
    }
    const exchange = await carryOut(socket, attack, this.deadlineMs);
    const last = exchange.answers.at(-1);
    const reusable =
      shared && exchange.end === 'answered' && exchange.answers.length === 1 && last?.headers.connection !== 'close' && !isStream(last);
    if (!reusable) this.close();
    return exchange;
  }

  close(): void {
    this.socket?.destroy();
    this.socket = undefined;
  }

  private async connected(): Promise<Socket> {
    if (this.socket !== undefined && !this.socket.destroyed && this.socket.writable && this.socket.readable) return this.socket;
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    socket.on('error', () => undefined);
    this.socket = socket;
    return socket;
  }
}

export const isStream = (answer: HttpAnswer | undefined): boolean =>
  answer?.headers['content-type']?.startsWith('text/event-stream') ?? false;

async function carryOut(socket: Socket, attack: Attack, deadlineMs: number): Promise<Exchange> {
  const reader = new AnswerReader((index) => attack.heads[index] ?? false);
  const { answers } = reader;
  return await new Promise<Exchange>((resolve) => {
    let timer = setTimeout(() => settle('silent'), deadlineMs);
    const settle = (end: Exchange['end'], detail?: string): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('close', onClose);
      resolve({ answers, end, detail });
    };
    const onData = (bytes: Buffer): void => {
      try {
        reader.push(bytes);
      } catch (error) {
        if (!(error instanceof NotHttpError)) throw error;
        return settle('no-http', error.message);
      }
      if (answers.length >= attack.requests || answers.some(isStream)) settle('answered');
    };
    const onClose = (): void => {
      reader.push(Buffer.alloc(0), true);
      settle(answers.length > 0 ? 'answered' : 'closed', reader.pending > 0 ? `${reader.pending} bytes of an answer` : undefined);
    };
    socket.on('data', onData).on('close', onClose);
    void write(socket, attack).then(() => {
      if (attack.expect === 'leave') return settle('left');
      if (attack.expect !== 'open') return undefined;
      clearTimeout(timer);
      timer = setTimeout(() => settle(answers.length > 0 ? 'answered' : 'left'), GRACE_MS);
      return undefined;
    });
  });
}

async function write(socket: Socket, { pieces, pauseMs }: Attack): Promise<void> {
  for (const piece of pieces) {
    if (!socket.writable) return;
    socket.write(piece);
    if (pauseMs > 0) await sleep(pauseMs);
  }
}
