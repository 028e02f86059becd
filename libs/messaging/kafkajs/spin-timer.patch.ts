import { createHash } from 'node:crypto';

import { kafkaJsInternals } from './kafkajs-internals.js';

/** The part of kafkajs's RequestQueue the patch relies on. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

/** sha-256 of the source of the method we replace. */
const EXPECTED_SOURCE = '04347ea969c6f2e3754427c0cbaee0bd4ce947fbd82f7b6e027506a06dfc581a';
const CHECK_INTERVAL_MS = 10;

/** On the method we put there: kafkajs is loaded once a process, this module may be more often. */
const OURS = Symbol.for('tidemark.kafkajs.spin-timer');

/**
 * kafkajs 2.2.4 re-arms a timer of 1 ms per broker connection for ever, also with nothing to send (its issues #1556 and #1704; the
 * fix of PR #1755 was never released). Several per cent of a core for each idle process: arm it only while a request waits.
 *
 * Throws when kafkajs is not the version this was written for: a patch that no longer fits must not go unnoticed.
 */
export function stopIdleTimers(): void {
  const { prototype } = kafkaJsInternals('idle-timer')('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };
  if (OURS in prototype.scheduleCheckPendingRequests) return;
  const source = createHash('sha256').update(String(prototype.scheduleCheckPendingRequests)).digest('hex');
  if (source !== EXPECTED_SOURCE) throw new Error(`the idle-timer patch does not know this RequestQueue of kafkajs`);

  const checkWhileSomethingWaits = function (this: RequestQueue): void {
    // Whoever adds to `pending` calls this again, so an empty queue needs no timer, throttled or not.
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
    const throttledFor = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      throttledFor > 0 ? throttledFor : CHECK_INTERVAL_MS,
    );
  };
  prototype.scheduleCheckPendingRequests = Object.assign(checkWhileSomethingWaits, { [OURS]: true });
}
