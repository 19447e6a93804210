// What a key may never pass, as it is entered and as the API takes it. An empty field bounds nothing.
import { areRanges, listOf } from './address-ranges.ts';
import { nanoOf } from './money.ts';

export const UNBOUNDED = {
  capDay: '',
  capWeek: '',
  capMonth: '',
  capTotal: '',
  expiresOn: '',
  requestsPerMinute: '',
  tokensPerMinute: '',
  concurrentRequests: '',
  allowedModels: '',
  allowedAddresses: '',
};

export type EnteredBounds = typeof UNBOUNDED;
export type BoundField = keyof EnteredBounds;

export const CAPS = [
  ['capDay', 'day'],
  ['capWeek', 'week'],
  ['capMonth', 'month'],
  ['capTotal', 'total'],
] as const;
export const RATES = ['requestsPerMinute', 'tokensPerMinute', 'concurrentRequests'] as const;

const MOST = 1_000_000_000;

/** The fields that cannot be sent as they are. */
export function problemsOf(entered: EnteredBounds): BoundField[] {
  const wrongCaps = CAPS.map(([field]) => field).filter(
    (field) => isEntered(entered[field]) && nanoOf(entered[field]) === null,
  );
  const wrongRates = RATES.filter((field) => isEntered(entered[field]) && rateOf(entered[field]) === null);
  const isPast = isEntered(entered.expiresOn) && endOf(entered.expiresOn) <= new Date();
  return [
    ...wrongCaps,
    ...wrongRates,
    ...(isPast ? (['expiresOn'] as const) : []),
    ...(areRanges(entered.allowedAddresses) ? [] : (['allowedAddresses'] as const)),
  ];
}

export function bodyOf(entered: EnteredBounds) {
  return {
    caps: CAPS.flatMap(([field, period]) => {
      const amountNano = nanoOf(entered[field]);
      return amountNano === null ? [] : [{ period, amountNano }];
    }),
    expiresAt: isEntered(entered.expiresOn) ? endOf(entered.expiresOn).toISOString() : null,
    requestsPerMinute: rateOf(entered.requestsPerMinute),
    tokensPerMinute: rateOf(entered.tokensPerMinute),
    concurrentRequests: rateOf(entered.concurrentRequests),
    allowedModels: listOf(entered.allowedModels),
    allowedAddresses: listOf(entered.allowedAddresses),
  };
}

function isEntered(text: string): boolean {
  return text.trim() !== '';
}

/** Null: no whole number that the API takes. */
function rateOf(text: string): number | null {
  const count = /^\d{1,10}$/.test(text.trim()) ? Number(text) : 0;
  return count >= 1 && count <= MOST ? count : null;
}

/** Of that day, where the reader is: a key works on the day that he chose. */
function endOf(day: string): Date {
  return new Date(`${day}T23:59:59`);
}
