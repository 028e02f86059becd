import type { ContenderProcess } from '../harness/contender-process.js';
import { resultOf, type Result } from '../harness/rounds.js';

const ROUNDS = 3;

/** How it goes as things stand: the medians of a few rounds; one more before them only warms up. */
export async function probe(contender: ContenderProcess, load: unknown): Promise<Result> {
  await contender.round(load);
  const measures = [];
  for (let round = 0; round < ROUNDS; round += 1) measures.push(await contender.round(load));
  return resultOf(contender.name, measures);
}
