// What the fake knows of tax: one rate a country, enough to see that what was calculated is what is charged, and no country's law. Where it
// has no rate nothing is collected, as where a seller is not registered.
const RATE_PPM: Readonly<Record<string, number>> = {
  AT: 200_000,
  CH: 81_000,
  DE: 190_000,
  FR: 200_000,
  GB: 200_000,
  HU: 270_000,
  JP: 100_000,
  SG: 90_000,
  US: 88_750,
};
const SELLER = 'DE';
const EU = new Set(['AT', 'DE', 'FR', 'HU']);
/** Where a country alone does not say whose tax it is. */
const WANTS_POSTAL_CODE = new Set(['CA', 'US']);
/** Of pages with automatic tax, which know no address. */
const UNPLACED_PPM = 200_000;
const ALL_PPM = 1_000_000;

export type TaxabilityReason = 'standard_rated' | 'not_collecting' | 'customer_exempt' | 'reverse_charge';

export interface TaxRate {
  readonly ppm: number;
  readonly reason: TaxabilityReason;
}

/** Null: nobody can say whose tax it is. */
export function taxRateOf(
  address: { readonly country: string; readonly postal_code?: string | null },
  { hasVatId, override }: { readonly hasVatId: boolean; readonly override: string },
): TaxRate | null {
  const { country, postal_code: postalCode } = address;
  if (!/^[A-Z]{2}$/.test(country) || (WANTS_POSTAL_CODE.has(country) && !postalCode)) return null;
  if (override === 'customer_exempt' || override === 'reverse_charge') return { ppm: 0, reason: override };
  if (hasVatId && EU.has(country) && country !== SELLER) return { ppm: 0, reason: 'reverse_charge' };
  const ppm = RATE_PPM[country];
  return ppm === undefined ? { ppm: 0, reason: 'not_collecting' } : { ppm, reason: 'standard_rated' };
}

/** On top of the amount, half a cent rounded up. */
export function taxOn(amount: number, ppm = UNPLACED_PPM): number {
  return Number((BigInt(amount) * BigInt(ppm) + BigInt(ALL_PPM / 2)) / BigInt(ALL_PPM));
}

/** The part of the amount that is tax. */
export function taxWithin(amount: number, ppm: number): number {
  return Math.round((amount * ppm) / (ALL_PPM + ppm));
}
