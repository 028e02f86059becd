/** A failpoint does what it was armed with at the hit it was armed for, and nothing at any other time. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transformSync } from '@swc/core';
import { describe, expect, it } from 'vitest';
import { Failpoints } from './failpoints.js';
import { parseFailpoints } from './failpoint-spec.js';

class Died extends Error {}
const mortal = (): Failpoints =>
  new Failpoints(() => {
    throw new Died();
  });
const reachTimes = async (failpoints: Failpoints, count: number): Promise<string[]> => {
  const outcomes: string[] = [];
  for (let hit = 0; hit < count; hit++) {
    outcomes.push(
      await failpoints.reach('relay.sent').then(
        () => 'passed',
        (error: unknown) => (error instanceof Died ? 'died' : (error as Error).name),
      ),
    );
  }
  return outcomes;
};

describe('the grammar', () => {
  it.each([
    ['', []],
    ['on', []],
    ['relay.sent=exit', [{ name: 'relay.sent', action: { kind: 'exit' }, nth: 1, times: 1 }]],
    ['relay.sent=throw@3', [{ name: 'relay.sent', action: { kind: 'throw' }, nth: 3, times: 1 }]],
    ['relay.sent=stall(250)@3x2', [{ name: 'relay.sent', action: { kind: 'stall', ms: 250 }, nth: 3, times: 2 }]],
    ['on; relay.read=throwx4 ;', [{ name: 'relay.read', action: { kind: 'throw' }, nth: 1, times: 4 }]],
  ])('reads %j', (text, specs) => {
    expect(parseFailpoints(text)).toEqual(specs);
  });

  it.each([
    'relay.sent',
    'relay.sent=',
    'relay.sent=die',
    'relay.sent=stall',
    'relay.sent=stall(x)',
    'relay.sent=exit@0',
    'relay.sent=exitx0',
    'off',
  ])('refuses %j', (text) => {
    expect(() => parseFailpoints(text)).toThrow();
  });

  it('refuses a place there is none of, and a place named twice', () => {
    expect(() => parseFailpoints('relay.snet=exit')).toThrow('there is no failpoint relay.snet');
    expect(() => parseFailpoints('relay.sent=exit;relay.sent=throw')).toThrow('relay.sent is armed twice');
  });
});

describe('a failpoint', () => {
  it('is off until armed, and again when the last one has fired or is disarmed', async () => {
    const failpoints = mortal();
    const armed = [failpoints.armed];
    for (const spec of ['on', 'relay.sent=throw;relay.read=throw', '', 'relay.sent=throw@2']) {
      failpoints.arm(spec);
      armed.push(failpoints.armed);
    }
    for (let hit = 0; hit < 2; hit++) {
      await reachTimes(failpoints, 1);
      armed.push(failpoints.armed);
    }
    failpoints.arm('relay.sent=throw');
    failpoints.disarm();
    armed.push(failpoints.armed);
    expect(armed).toEqual([false, false, true, false, true, true, false, false]);
  });

  it('fires at its hit and only as often as told', async () => {
    const failpoints = mortal();
    failpoints.arm('relay.sent=throw@2x2');
    expect(await reachTimes(failpoints, 5)).toEqual(['passed', 'FailpointError', 'FailpointError', 'passed', 'passed']);
    expect(failpoints.states().find(({ name }) => name === 'relay.sent')).toMatchObject({ hits: 5, fired: 2, armed: null });
  });

  it('dies where it is told to exit', async () => {
    const failpoints = mortal();
    failpoints.arm('relay.sent=exit@2');
    expect(await reachTimes(failpoints, 2)).toEqual(['passed', 'died']);
  });

  it('stalls for as long as told', async () => {
    const failpoints = mortal();
    failpoints.arm('relay.sent=stall(30)');
    const startedAt = performance.now();
    await failpoints.reach('relay.sent');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(29);
  });

  it('tells of a stall until it is over, also when it has been disarmed', async () => {
    const failpoints = mortal();
    const stalling = (): number => failpoints.states().find(({ name }) => name === 'relay.sent')!.stalling;
    failpoints.arm('relay.sent=stall(10)@1x2');
    const stalls = [failpoints.reach('relay.sent'), failpoints.reach('relay.sent')];
    failpoints.disarm();
    expect(stalling()).toBe(2);
    await Promise.all(stalls);
    expect(stalling()).toBe(0);
  });

  it('looks like a broken connection when it throws', async () => {
    const failpoints = mortal();
    failpoints.arm('relay.sent=throw');
    await expect(failpoints.reach('relay.sent')).rejects.toMatchObject({ code: 'ECONNRESET', failpoint: 'relay.sent' });
  });

  it('counts hits afresh from when it is armed', async () => {
    const failpoints = mortal();
    failpoints.arm('relay.read=throw');
    await reachTimes(failpoints, 3);
    failpoints.arm('relay.sent=throw@2');
    expect(failpoints.states().find(({ name }) => name === 'relay.sent')).toMatchObject({
      hits: 3,
      armed: { action: 'throw', nth: 2, times: 1, hits: 0 },
    });
    expect(await reachTimes(failpoints, 2)).toEqual(['passed', 'FailpointError']);
  });

  it('does nothing any more once disarmed, and keeps its plan when the next one cannot be read', async () => {
    const failpoints = mortal();
    failpoints.arm('relay.sent=throw');
    expect(() => failpoints.arm('nonsense')).toThrow();
    expect(await reachTimes(failpoints, 1)).toEqual(['FailpointError']);
    failpoints.arm('relay.sent=throwx9');
    failpoints.disarm();
    expect(await reachTimes(failpoints, 1)).toEqual(['passed']);
  });

  it('ends a real process at once, without running any handler', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-failpoints-'));
    try {
      for (const name of ['failpoint-names', 'failpoint-spec', 'failpoints']) {
        const source = readFileSync(join(import.meta.dirname, `${name}.ts`), 'utf8');
        const { code } = transformSync(source, { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } });
        writeFileSync(join(folder, `${name}.js`), code);
      }
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
      writeFileSync(
        join(folder, 'main.js'),
        `import { failpoints } from './failpoints.js';
        process.on('exit', () => console.log('handled'));
        failpoints.arm('relay.sent=exit@2');
        await failpoints.reach('relay.sent');
        console.log('first');
        await failpoints.reach('relay.sent');
        console.log('second');`,
      );
      const ended = spawnSync(process.execPath, [join(folder, 'main.js')], { encoding: 'utf8', timeout: 20_000 });
      expect(ended).toMatchObject({ signal: 'SIGKILL', stdout: 'first\n' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
