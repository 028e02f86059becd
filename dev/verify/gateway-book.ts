import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

/** A payment as the gateway itself knows it. */
export interface BookedPayment {
  readonly reference: string;
  readonly status: 'authorized' | 'captured' | 'declined' | 'voided' | 'refunded';
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
}

export interface GatewayBook {
  payments(): AsyncIterable<BookedPayment>;
}

/** `GET /book` of the gateway, one payment a line. */
export class HttpGatewayBook implements GatewayBook {
  constructor(private readonly gatewayUrl: string) {}

  async *payments(): AsyncGenerator<BookedPayment> {
    const response = await fetch(`${this.gatewayUrl}/book`);
    if (!response.ok || response.body === null) throw new Error(`the gateway answered GET /book with ${response.status}`);
    for await (const line of createInterface({ input: Readable.fromWeb(response.body as never), crlfDelay: Infinity })) {
      if (line !== '') yield JSON.parse(line) as BookedPayment;
    }
  }
}
