// What a request costs a customer who has a plan. Included credit covers it at list price; what it does not cover is charged at the
// plan's own rate, at once and from bought credit. A request that straddles is split at the exact nano (M05).
import { type Nano, nano, smaller } from './nano.ts';
import { type Price, sellingPrice } from './prices.ts';

export interface SplitCharge {
  readonly includedNano: Nano;
  readonly beyondNano: Nano;
}

const ONE_IN_PPM = 1_000_000n;

/** `listNano` is the charge of domain/prices.ts. */
export function splitCharge(listNano: Nano, includedLeftNano: Nano, beyondIncludedPpm: number): SplitCharge {
  const includedNano = smaller(listNano, includedLeftNano);
  return { includedNano, beyondNano: atRate(nano(listNano - includedNano), beyondIncludedPpm) };
}

/** Prices that no charge is above, whatever credit it comes from: what a request sets aside is reckoned at them. */
export function highestPrice(price: Price, beyondIncludedPpm: number): Price {
  return BigInt(beyondIncludedPpm) > ONE_IN_PPM ? sellingPrice(price, beyondIncludedPpm) : price;
}

export function atRate(amount: Nano, ppm: number): Nano {
  return nano((amount * BigInt(ppm) + ONE_IN_PPM - 1n) / ONE_IN_PPM);
}
