import { isFailpointName, type FailpointName } from './failpoint-names.js';

/** `exit`: the process is gone, as by kill -9. `throw`: as if a neighbour's connection broke. `stall`: nothing happens for so long. */
export type FailpointAction = { readonly kind: 'exit' } | { readonly kind: 'throw' } | { readonly kind: 'stall'; readonly ms: number };

export interface FailpointSpec {
  readonly name: FailpointName;
  readonly action: FailpointAction;
  /** Fires first at this hit after it was armed, counted from 1. */
  readonly nth: number;
  /** Fires at so many hits in a row. */
  readonly times: number;
}

export class FailpointSpecError extends Error {
  constructor(readonly problem: string) {
    super(problem);
    this.name = 'FailpointSpecError';
  }
}

const ENTRY = /^(?<name>[a-z.-]+)=(?:(?<plain>exit|throw)|stall\((?<ms>\d{1,7})\))(?:@(?<nth>\d{1,9}))?(?:x(?<times>\d{1,9}))?$/;

/**
 * `<name>=<action>[@<nth hit>][x<times>]`, several separated by `;`; actions `exit`, `throw`, `stall(<ms>)`. Once, at the first hit,
 * unless told otherwise. `on` and the empty text arm nothing.
 * @throws FailpointSpecError on the first entry that is not one, that names an unknown place, or a place a second time
 */
export function parseFailpoints(text: string): FailpointSpec[] {
  const entries = text
    .split(';')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '' && entry !== 'on');
  const specs = entries.map(parseEntry);
  const twice = specs.find((spec, index) => specs.findIndex((other) => other.name === spec.name) < index);
  if (twice !== undefined) throw new FailpointSpecError(`${twice.name} is armed twice`);
  return specs;
}

function parseEntry(entry: string): FailpointSpec {
  const { name = '', plain, ms, nth = '1', times = '1' } = ENTRY.exec(entry)?.groups ?? {};
  if (name === '') throw new FailpointSpecError(`'${entry}' is not <name>=<exit|throw|stall(ms)>[@<nth hit>][x<times>]`);
  if (!isFailpointName(name)) throw new FailpointSpecError(`there is no failpoint ${name}`);
  if (Number(nth) < 1 || Number(times) < 1) throw new FailpointSpecError(`'${entry}': hits and times are counted from 1`);
  const action: FailpointAction = ms === undefined ? { kind: plain as 'exit' | 'throw' } : { kind: 'stall', ms: Number(ms) };
  return { name, action, nth: Number(nth), times: Number(times) };
}
