/** Amounts as one of five colours. Nights differ by factors of thousands, so the steps are logarithmic. */

export const STEPS = 5;

/** 0 for nothing, 1 to 5 for an amount between the least and the greatest there is. */
export function heatOf(amount: number, least: number, greatest: number): number {
  if (amount <= 0) return 0;
  if (greatest <= least || amount >= greatest) return STEPS;
  const share = Math.log(amount / least) / Math.log(greatest / least);
  return Math.max(1, Math.min(STEPS, 1 + Math.floor(share * STEPS)));
}

/** The least and the greatest of the amounts above zero. */
export function rangeOf(amounts: Iterable<number>): [number, number] {
  let least = Infinity;
  let greatest = 0;
  for (const amount of amounts) {
    if (amount > 0 && amount < least) least = amount;
    if (amount > greatest) greatest = amount;
  }
  return [greatest > 0 ? least : 0, greatest];
}
