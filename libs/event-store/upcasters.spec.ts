// Proves that old data is lifted one version at a time, and that a set of upcasters with a hole or a double does not start.
import { describe, expect, it } from 'vitest';
import { isoTime } from './stored-event-row.js';
import { Upcasters, type Upcaster } from './upcasters.js';

const step = (from: number, type = 'Placed'): Upcaster => ({ type, from, upcast: (data) => ({ ...data, [`v${from + 1}`]: true }) });

describe('upcasters', () => {
  it('lift through every version in between', () => {
    const upcasters = new Upcasters([step(2), step(1), step(1, 'Other')]);
    expect(upcasters.upcast('Placed', 1, { kept: 1 })).toEqual({ schemaVersion: 3, data: { kept: 1, v2: true, v3: true } });
    expect(upcasters.upcast('Placed', 2, {})).toEqual({ schemaVersion: 3, data: { v3: true } });
  });

  it('leave alone what is new enough, and what they do not know', () => {
    const upcasters = new Upcasters([step(1)]);
    expect(upcasters.upcast('Placed', 2, { a: 1 })).toEqual({ schemaVersion: 2, data: { a: 1 } });
    expect(upcasters.upcast('Placed', 9, { a: 1 })).toEqual({ schemaVersion: 9, data: { a: 1 } });
    expect(upcasters.upcast('Unknown', 1, { a: 1 })).toEqual({ schemaVersion: 1, data: { a: 1 } });
  });

  it('refuse two steps for one version, a missing step, and an event older than the first step', () => {
    expect(() => new Upcasters([step(1), step(1)])).toThrow('two upcasters for Placed@1');
    expect(() => new Upcasters([step(1), step(3)])).toThrow('no upcaster for Placed@2');
    expect(() => new Upcasters([step(2)]).upcast('Placed', 1, {})).toThrow('no upcaster for Placed@1');
  });
});

describe('times from the database', () => {
  it.each([
    ['2010-12-01 08:26:00+00', '2010-12-01T08:26:00.000Z'],
    ['2010-12-01 08:26:00.1+00', '2010-12-01T08:26:00.100Z'],
    ['2010-12-01 08:26:00.123+00', '2010-12-01T08:26:00.123Z'],
    ['2010-12-01 09:26:00.12+01', '2010-12-01T08:26:00.120Z'],
    ['2010-12-01 13:56:00.5+05:30', '2010-12-01T08:26:00.500Z'],
    ['2010-12-01 08:26:00.123456+00', '2010-12-01T08:26:00.123Z'],
  ])('%s reads as %s', (text, iso) => {
    expect(isoTime(text)).toBe(iso);
  });
});
