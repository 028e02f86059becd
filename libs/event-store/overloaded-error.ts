/** The queue is full: nothing was done, the caller may try again shortly. */
export class OverloadedError extends Error {
  readonly code = 'event-store.overloaded';

  constructor(message: string) {
    super(message);
    this.name = 'OverloadedError';
  }
}
