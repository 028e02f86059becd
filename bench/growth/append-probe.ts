import type { ContenderProcess } from '../harness/contender-process.js';
import { spreadOf } from '../harness/rounds.js';
import type { AppendLoad } from '../append/append-load.js';

const ROUNDS = 3;

/** Appends a second as things stand, the median of a few rounds; the first one only warms up. */
export async function appendRate(contender: ContenderProcess, load: AppendLoad): Promise<number> {
  await contender.round(load);
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rates.push((await contender.round(load)).perSecond);
  return spreadOf(rates).median;
}
