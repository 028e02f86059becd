import { setTimeout as delay } from 'node:timers/promises';
import type { Answered } from '../history/history-record.js';
import type { Random } from './random.js';
import type { CommandRequest } from './request.js';
import type { Wire } from './wire.js';

/** Reads under way at once; beyond it nobody looks. */
const MOST = 64;
const WAIT_MS = 3_000;

/** Clients that look at what they did: with the consistency token of its answer, or at the write side, which is never behind. */
export class Reader {
  count = 0;
  private underway = 0;

  constructor(private readonly wire: Wire) {}

  async afterwards({ intent }: CommandRequest, { body }: Answered, random: Random): Promise<void> {
    const token = body?.['consistencyToken'];
    if (typeof token !== 'string' || this.underway >= MOST || !random.chance(0.3)) return;
    this.underway += 1;
    if (random.chance(0.5)) await delay(random.between(1, 300));
    await this.look(intent, token, body!, random);
    this.underway -= 1;
  }

  private async look(
    intent: CommandRequest['intent'],
    token: string,
    body: Readonly<Record<string, unknown>>,
    random: Random,
  ): Promise<void> {
    const query = `?consistentWith=${encodeURIComponent(token)}&waitMs=${WAIT_MS}`;
    this.count += 1;
    if (intent === 'receive-stock' || intent === 'adjust-stock') {
      await this.wire.read({ intent: 'read-stock', path: `/stock/${encodeURIComponent(String(body['sku']))}${query}`, token });
    } else if (random.chance(0.2)) {
      await this.wire.read({ intent: 'read-order-state', path: `/orders/${String(body['orderId'])}`, token });
    } else {
      await this.wire.read({ intent: 'read-order', path: `/orders/${String(body['orderId'])}${query}`, token });
    }
  }
}
