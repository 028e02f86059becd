/** What the looked-up rules accept is what class-validator accepts, as the very same instance; they never refuse on their own. */
import 'reflect-metadata';
import { Expose, plainToInstance, Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  MaxLength,
  Min,
  ValidateBy,
  ValidateIf,
  ValidateNested,
  validateSync,
} from 'class-validator';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptorOf } from './compiled-rules.js';

class Line {
  @IsString()
  @MaxLength(3)
  sku: string;

  @IsInt()
  @Min(1)
  quantity: number;

  @IsOptional()
  @IsString()
  note?: string | null;
}

class Base {
  @IsOptional()
  @Transform(({ value }) => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value))
  @IsInt()
  waitMs: number = 7;
}

class Order extends Base {
  @IsIn(['GBP', 'EUR'])
  currency: string;

  @IsOptional()
  @IsString({ each: true })
  tag?: string;

  @IsObject()
  @ValidateNested()
  @Type(() => Line)
  first: Line;

  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(3)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => Line)
  lines: Line[];
}

const line = { sku: 'A', quantity: 1 };
const order = { currency: 'GBP', first: line, lines: [line, { ...line, note: null }] };

const anything = fc.oneof(
  fc.constantFrom(null, '', 'A', 'ABCD', 0, 1, -1, 1.5, true, '12', 'GBP', [], {}, [null], [[]], ['x'], [line], [[line]]),
  fc.constantFrom({ toString: 1 }, { ...line, extra: 1 }, { sku: 'A' }, [line, line, line, line], { ...line, note: 'n' }),
);
/** Mostly what is fine, so that much gets through, and much is nearly fine. */
const mostly = (fine: unknown, other: fc.Arbitrary<unknown> = anything) =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(fine) }, { weight: 1, arbitrary: other });
const anyLine = mostly(line, fc.oneof(fc.record({ sku: anything, quantity: anything, note: anything }, { requiredKeys: [] }), anything));
const anyOrder = fc
  .record({
    currency: mostly('GBP'),
    first: anyLine,
    lines: fc.oneof({ weight: 9, arbitrary: fc.array(anyLine, { minLength: 1, maxLength: 4 }) }, { weight: 1, arbitrary: anything }),
  })
  .chain((fine) => fc.record({ tag: mostly('t'), waitMs: mostly('12') }, { requiredKeys: [] }).map((more) => ({ ...fine, ...more })))
  .chain((fine) =>
    mostly(
      fine,
      fc.constantFrom('extra', 'valueOf', 'lines').map((name) => ({ ...fine, [name]: 1 })),
    ),
  );

describe('looked-up rules', () => {
  it('take an order that breaks none, with its defaults and as instances', () => {
    const taken = acceptorOf(Order)!(order) as Order;
    expect(taken).toBeInstanceOf(Order);
    expect(taken.lines.every((each) => each instanceof Line)).toBe(true);
    expect(taken).toEqual({ waitMs: 7, tag: undefined, currency: 'GBP', first: line, lines: [line, { ...line, note: null }] });
    expect((acceptorOf(Order)!({ ...order, waitMs: '12' }) as Order).waitMs).toBe(12);
  });

  it('say yes to nothing that class-validator refuses, and make the same of the rest', () => {
    let taken = 0;
    fc.assert(
      fc.property(anyOrder, (body) => {
        const accepted = acceptorOf(Order)!(structuredClone(body));
        const instance = plainToInstance(Order, body);
        const errors = validateSync(instance, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true });
        if (accepted === undefined) return;
        taken += 1;
        expect(errors).toEqual([]);
        expect(accepted).toStrictEqual(instance);
      }),
      { numRuns: 3_000, seed: 5 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  it('say nothing of fields they do not know, of what is no plain object, and of too many items', () => {
    const accept = acceptorOf(Order)!;
    for (const odd of [
      { ...order, extra: 1 },
      { ...order, toString: 1 },
      { ...order, lines: [line, line, line, line] },
      [order],
      null,
      'x',
      new Map(),
    ]) {
      expect(accept(odd)).toBeUndefined();
    }
    expect(accept(Object.assign(Object.create(null) as object, order))).toBeInstanceOf(Order);
    expect(accept(Object.assign(Object.create(Object.create(null)) as object, order))).toBeInstanceOf(Order);
  });

  it('leave alone the classes whose decorators they do not understand', () => {
    class Exposed {
      @Expose({ name: 'other' })
      @IsString()
      name: string;
    }
    class Sometimes {
      @IsString({ groups: ['g'] })
      name: string;
    }
    class Tree {
      @ValidateNested()
      @Type(() => Tree)
      left: Tree;
    }
    class Numbers {
      @Type(() => Number)
      @IsInt()
      age: number;
    }
    class Undecorated {
      name: string;
    }
    const odd = [Exposed, Sometimes, Tree, Numbers, Undecorated, Object];
    expect(odd.filter((type) => acceptorOf(type) !== undefined)).toEqual([]);
  });

  it('leave what promises an answer to class-validator, which waits for it', () => {
    class Promising {
      @ValidateBy({ name: 'later', async: true, validator: { validate: () => Promise.resolve(true) } })
      name: string;
    }
    expect(acceptorOf(Promising)!({ name: 'x' })).toBeUndefined();
  });

  it('ask conditions first', () => {
    class Maybe {
      @ValidateIf((object: Maybe) => object.kind === 'named')
      @IsString()
      name?: unknown;

      @IsIn(['named', 'nameless'])
      kind: string;
    }
    expect(acceptorOf(Maybe)!({ kind: 'nameless', name: 1 })).toEqual({ kind: 'nameless', name: 1 });
    expect(acceptorOf(Maybe)!({ kind: 'named', name: 1 })).toBeUndefined();
  });
});
