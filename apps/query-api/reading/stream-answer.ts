import type { Readable } from 'node:stream';

/** An answer that is sent as it comes, of unknown length: neither tagged nor kept. */
export class StreamAnswer {
  constructor(
    readonly stream: Readable,
    readonly type: 'application/x-ndjson' | 'text/event-stream',
    /**
     * Aborted when the client has left. A stream made from a generator cannot tell it: its destruction waits for the generator, and the
     * generator for whatever it awaits.
     */
    readonly gone?: AbortController,
  ) {}
}
