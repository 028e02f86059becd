// Proves: a patched request queue has no timer armed while it is idle, still wakes for what waits, and a foreign kafkajs is refused.
import { createRequire } from 'node:module';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { stopIdleTimers } from './spin-timer.patch.js';

const require = createRequire(import.meta.url);

interface Queue {
  pending: unknown[];
  throttledUntil: number;
  throttleCheckTimeoutId: unknown;
  push(request: object): void;
  fulfillRequest(response: object): void;
  maybeThrottle(ms: number): void;
}

function queue(options: object = {}): Queue {
  const RequestQueue = require('kafkajs/src/network/requestQueue') as new (options: object) => Queue;
  const logger = { debug: () => undefined, warn: () => undefined };
  return new RequestQueue({
    maxInFlightRequests: 1,
    requestTimeout: 1_000,
    enforceRequestTimeout: false,
    clientId: 'x',
    broker: 'y',
    logger,
    ...options,
  });
}

function request(correlationId: number, sent: number[]): object {
  const entry = { correlationId, apiName: 'Fetch', apiKey: 1, apiVersion: 11, resolve: () => undefined, reject: () => undefined };
  return { entry, expectResponse: true, sendRequest: () => sent.push(correlationId) };
}

describe('idle-timer patch', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('arms no timer once everything is answered', () => {
    stopIdleTimers();
    const idle = queue();
    const sent: number[] = [];
    idle.push(request(1, sent));
    idle.fulfillRequest({ correlationId: 1, payload: Buffer.alloc(0), size: 0 });
    expect(sent).toEqual([1]);
    expect(idle.throttleCheckTimeoutId).toBeNull();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sends what waits as soon as there is room', () => {
    stopIdleTimers();
    const busy = queue();
    const sent: number[] = [];
    busy.push(request(1, sent));
    busy.push(request(2, sent));
    expect(sent).toEqual([1]);
    busy.fulfillRequest({ correlationId: 1, payload: Buffer.alloc(0), size: 0 });
    expect(sent).toEqual([1, 2]);
  });

  it('sends what was throttled when the throttle ends, and then rests', () => {
    stopIdleTimers();
    const throttled = queue();
    const sent: number[] = [];
    throttled.maybeThrottle(300);
    throttled.push(request(1, sent));
    vi.advanceTimersByTime(299);
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(20);
    expect(sent).toEqual([1]);
    throttled.fulfillRequest({ correlationId: 1, payload: Buffer.alloc(0), size: 0 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is applied once, and refuses a kafkajs it does not know', () => {
    const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: { scheduleCheckPendingRequests: () => void } };
    stopIdleTimers();
    const patched = prototype.scheduleCheckPendingRequests;
    stopIdleTimers();
    expect(prototype.scheduleCheckPendingRequests).toBe(patched);

    const modulePath = require.resolve('kafkajs/package.json');
    const manifest = require(modulePath) as { version: string };
    const { version } = manifest;
    manifest.version = '2.3.0';
    try {
      expect(() => stopIdleTimers()).toThrow('is for kafkajs 2.2.4, found 2.3.0');
    } finally {
      manifest.version = version;
    }
  });
});
