/** Proves that a figure that cannot be had leaves the others alone, and that those of one scrape share one look. */
import { Gauge } from 'prom-client';
import { expect, it } from 'vitest';
import { createMetrics, looked, setKnown } from './metrics.js';

it('gives every other figure while one cannot be had', async () => {
  const registry = createMetrics('spec');
  const fails = looked(() => Promise.reject(new Error('the database is away')));
  const hangs = looked(() => new Promise<number>(() => undefined));
  for (const [name, look] of Object.entries({ fails, hangs })) {
    new Gauge({
      name: `spec_${name}`,
      help: '-',
      registers: [registry],
      async collect() {
        setKnown(this, await look());
      },
    });
  }
  const text = await registry.metrics();
  expect(text).toContain('process_cpu_seconds_total');
  expect(text).not.toMatch(/^spec_(fails|hangs)\{/m);
});

it('looks once for all figures of a scrape', async () => {
  let looks = 0;
  const look = looked(async () => (looks += 1));
  expect(await Promise.all([look(), look()])).toEqual([1, 1]);
});
