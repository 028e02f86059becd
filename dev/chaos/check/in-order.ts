export const inOrder = (numbers: readonly number[]): number[] => [...numbers].sort((one, other) => one - other);

/** Place of the first number that is not below `least`, of numbers in order; their count when there is none. */
export function firstAt(numbers: readonly number[], least: number): number {
  let low = 0;
  for (let high = numbers.length; low < high;) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! >= least) high = middle;
    else low = middle + 1;
  }
  return low;
}
