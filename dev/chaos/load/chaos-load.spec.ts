/** Proves that the load asks for what its seed says, never gives a command up, and writes down enough for a lost or doubled one to be seen. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../test/harness/index.js';
import { checkAcceptedCommands } from '../check/accepted-commands.check.js';
import { digestOf } from '../check/check-invariants.js';
import { checkSingleEffects } from '../check/single-effects.check.js';
import { ChaosLoad, type ChaosLoadOptions } from './chaos-load.js';
import { Random } from './random.js';
import { FakeSystem, type Defects } from './testing/fake-system.js';
import { Trade } from './trade.js';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-load-'));
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(folder, { recursive: true, force: true });
});

async function start(defects: Defects = {}, options: Partial<ChaosLoadOptions> = {}) {
  const system = await FakeSystem.start(defects);
  const historyFile = join(folder, 'history.ndjson');
  const { urls } = system;
  const load = new ChaosLoad({
    commandUrls: urls,
    queryUrls: urls,
    seed: 3,
    historyFile,
    rate: 400,
    concurrency: 64,
    timeoutMs: 1_000,
    ...options,
  });
  ends.push(
    () => system.stop(),
    () => load.close(),
  );
  load.start();
  return { system, load, historyFile };
}

/** Runs until so many commands were sent, then to the end; what the checks of I1 and I2 say. */
async function judged(defects: Defects, during: (load: ChaosLoad, system: FakeSystem) => Promise<void> = async () => undefined) {
  const { system, load, historyFile } = await start(defects);
  await during(load, system);
  await waitFor(() => load.counts().sent >= 700, { what: 'commands' });
  await load.stop();
  const open = await load.settle({ withinMs: 10_000 });
  const history = await digestOf([historyFile]);
  const nothing = { count: 0, kept: [] };
  return {
    open,
    history,
    lost: checkAcceptedCommands(history, system.effects).violations.broken,
    twice: checkSingleEffects(history, system.effects, nothing).violations.broken,
    stale: history.complaints.filter(({ of }) => of === 'stale-read').length,
    surprises: history.complaints.filter(({ of }) => of === 'surprise'),
    counts: load.counts(),
  };
}

describe('a load', () => {
  it('gets a final answer to every command, also when answers are lost, refused or an instance is gone', async () => {
    const { open, lost, twice, stale, surprises, history, counts } = await judged({ dropsAnswer: 0.1, refuses: 0.1 }, (_, system) =>
      system.stopInstance(1),
    );
    expect({ open, lost, twice, stale, surprises }).toEqual({ open: 0, lost: 0, twice: 0, stale: 0, surprises: [] });
    expect(history.unanswered).toBeGreaterThan(50);
    expect(counts).toMatchObject({ unknown: 0, sent: history.stories.size, accepted: counts.sent, refused: 0 });
  });

  it('shows a command that was accepted and lost', async () => {
    const { lost } = await judged({ loses: 0.02 });
    expect(lost).toBeGreaterThan(3);
  });

  it('shows a command that took effect again when its answer was lost', async () => {
    const { twice } = await judged({ forgetsKeys: true, dropsAnswer: 0.05 });
    expect(twice).toBeGreaterThan(10);
  });

  it('shows a read that did not show what was written', async () => {
    const { stale, lost } = await judged({ readsStale: 0.5 });
    expect([stale > 10, lost]).toEqual([true, 0]);
  });

  it('carries out the scenarios: the last pieces, and one key many times at once', async () => {
    const { history, twice } = await judged({}, async (load) => {
      await Promise.all([load.lastPieces({ clients: 50, pieces: 20 }), load.sameKeyAtOnce({ times: 30 })]);
    });
    expect(history.lastPieces).toMatchObject([{ pieces: 20, clients: 50 }]);
    expect([...history.stories.values()].filter(({ key }) => key.includes('-last-1-'))).toHaveLength(50);
    expect([...history.stories.values()].find(({ key }) => key.includes('-at-once-'))?.sends).toBe(30);
    expect(twice).toBe(0);
  });
});

describe('the trade', () => {
  const asked = (seed: number) => {
    const trade = new Trade({ seed, name: 'x' });
    return Array.from({ length: 200 }, (_, index) => trade.order(`k${index}`, new Random(seed, index)));
  };

  it('is the same for the same seed, and another for another', () => {
    expect(asked(5)).toEqual(asked(5));
    expect(asked(5)).not.toEqual(asked(6));
  });

  it('has orders with the same SKU twice, of hot SKUs, and of many payment tokens', () => {
    const bodies = asked(5).map(({ body }) => body as { lines: { sku: string }[]; paymentToken: string });
    expect(bodies.some(({ lines }) => new Set(lines.map(({ sku }) => sku)).size < lines.length)).toBe(true);
    expect(bodies.some(({ lines }) => lines.some(({ sku }) => sku.includes('HOT')))).toBe(true);
    expect(new Set(bodies.map(({ paymentToken }) => paymentToken.replace(/\d+/, ''))).size).toBeGreaterThan(5);
  });
});
