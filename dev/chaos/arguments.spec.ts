// Proves: what the runner is told is understood, and what it cannot understand is said in a sentence.
import { describe, expect, it } from 'vitest';
import { parseChaosArguments } from './arguments.js';

describe('arguments of a run', () => {
  it('have defaults, a seed from the clock among them', () => {
    expect(parseChaosArguments([], 1_234_567_890)).toEqual({
      minutes: 5,
      seed: 567_890,
      faults: undefined,
      report: undefined,
      rate: 45,
      keep: false,
    });
  });

  it('are taken as given', () => {
    const given = ['--minutes', '0.5', '--seed', '7', '--faults', 'kill, kafka', '--report', 'r.md', '--rate', '100', '--keep'];
    expect(parseChaosArguments(given)).toEqual({ minutes: 0.5, seed: 7, faults: ['kill', 'kafka'], report: 'r.md', rate: 100, keep: true });
  });

  it.each([
    [['--minutes', 'many'], '--minutes must be a number from 0.1 to 10000'],
    [['--minutes', '0'], '--minutes must be'],
    [['--seed', '-1'], '--seed'],
    [['--seed', '1.5'], '--seed must be a whole number'],
    [['--rate', ''], '--rate must be'],
    [['--fault', 'kill'], '--fault'],
  ])('%j are refused', (args, message) => {
    expect(() => parseChaosArguments(args)).toThrow(message);
  });
});
