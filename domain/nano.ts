// Money is whole nano-dollars (1e-9 USD) in a bigint, from the price to the ledger.
// The brand keeps token counts, cents and milliseconds from passing as money. Nothing in this file rounds.

export type Nano = bigint & { readonly unit: 'nano-usd' };

// Postgres keeps money in int8: a longer string cannot be an amount of ours, and BigInt() is slow on hostile lengths.
const WHOLE_NUMBER = /^-?\d{1,19}$/;

export function nano(value: bigint | number | string): Nano {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new RangeError(`not a whole number of nano-dollars that a double holds exactly: ${value}`);
  }
  if (typeof value === 'string' && !WHOLE_NUMBER.test(value)) {
    throw new RangeError(
      `not a whole number of nano-dollars in at most 19 digits: ${JSON.stringify(value.slice(0, 40))}`,
    );
  }
  return BigInt(value) as Nano;
}

export const ZERO: Nano = nano(0);

export function sum(values: Iterable<Nano>): Nano {
  let total = 0n;
  for (const value of values) total += value;
  return nano(total);
}

export function smaller(a: Nano, b: Nano): Nano {
  return a < b ? a : b;
}

export function larger(a: Nano, b: Nano): Nano {
  return a > b ? a : b;
}

export function formatUsd(amount: Nano): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(10, '0');
  return `${amount < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}
