// What a key may never pass, as it is entered and as the API takes it. An empty field bounds nothing.
import type { components } from '../generated/api.d.ts';
import { areRanges, listOf } from './address-ranges.ts';
import { dollarsOf, nanoOf } from './money.ts';

type ApiKey = components['schemas']['ApiKey'];

const UNCAPPED = { capDay: '', capWeek: '', capMonth: '', capTotal: '' };

export const UNBOUNDED = {
  ...UNCAPPED,
  expiresOn: '',
  requestsPerMinute: '',
  tokensPerMinute: '',
  concurrentRequests: '',
  allowedModels: '',
  allowedAddresses: '',
};

export type EnteredCaps = typeof UNCAPPED;
export type EnteredBounds = typeof UNBOUNDED;
export type BoundField = keyof EnteredBounds;

export const CAPS = [
  ['capDay', 'day'],
  ['capWeek', 'week'],
  ['capMonth', 'month'],
  ['capTotal', 'total'],
] as const;
/** What the API calls otherwise. */
export const FIELD_OF = { expiresAt: 'expiresOn' } as const;
export const RATES = ['requestsPerMinute', 'tokensPerMinute', 'concurrentRequests'] as const;

const MOST = 1_000_000_000;

/** The fields that cannot be sent as they are. */
export function problemsOf(entered: EnteredBounds): BoundField[] {
  const wrongRates = RATES.filter((field) => isEntered(entered[field]) && rateOf(entered[field]) === null);
  const isPast = isEntered(entered.expiresOn) && endOf(entered.expiresOn) <= new Date();
  return [
    ...wrongCaps(entered),
    ...wrongRates,
    ...(isPast ? (['expiresOn'] as const) : []),
    ...(areRanges(entered.allowedAddresses) ? [] : (['allowedAddresses'] as const)),
  ];
}

export function bodyOf(entered: EnteredBounds) {
  return {
    caps: capsBody(entered),
    expiresAt: isEntered(entered.expiresOn) ? endOf(entered.expiresOn).toISOString() : null,
    requestsPerMinute: rateOf(entered.requestsPerMinute),
    tokensPerMinute: rateOf(entered.tokensPerMinute),
    concurrentRequests: rateOf(entered.concurrentRequests),
    allowedModels: listOf(entered.allowedModels),
    allowedAddresses: listOf(entered.allowedAddresses),
  };
}

export function wrongCaps(entered: EnteredCaps): (keyof EnteredCaps)[] {
  return CAPS.map(([field]) => field).filter((field) => isEntered(entered[field]) && nanoOf(entered[field]) === null);
}

export function capsBody(entered: EnteredCaps) {
  return CAPS.flatMap(([field, period]) => {
    const amountNano = nanoOf(entered[field]);
    return amountNano === null ? [] : [{ period, amountNano }];
  });
}

/** As they are entered. */
export function enteredCaps(caps: ApiKey['caps']): EnteredCaps {
  const has = (period: string) => dollarsOf(caps.find((cap) => cap.period === period)?.amountNano ?? null);
  return { capDay: has('day'), capWeek: has('week'), capMonth: has('month'), capTotal: has('total') };
}

/** Of a key that there is. */
export function enteredBounds(apiKey: ApiKey): EnteredBounds {
  const rate = (count: number | null) => count?.toString() ?? '';
  return {
    ...enteredCaps(apiKey.caps),
    expiresOn: apiKey.expiresAt === null ? '' : dayOf(new Date(apiKey.expiresAt)),
    requestsPerMinute: rate(apiKey.requestsPerMinute),
    tokensPerMinute: rate(apiKey.tokensPerMinute),
    concurrentRequests: rate(apiKey.concurrentRequests),
    allowedModels: apiKey.allowedModels?.join(', ') ?? '',
    allowedAddresses: apiKey.allowedAddresses?.join(', ') ?? '',
  };
}

/** Of those entered, what nobody offers; undefined: what is offered is not known yet, and the API has the last word. */
export function unknownModels(entered: string, offered: readonly { readonly id: string }[] | undefined): string[] {
  if (offered === undefined) return [];
  const ids = new Set(offered.map(({ id }) => id));
  return (listOf(entered) ?? []).filter((id) => !ids.has(id));
}

/** Also where it stands there already. */
export function withModel(entered: string, id: string): string {
  return [...new Set([...(listOf(entered) ?? []), id])].join(', ');
}

function isEntered(text: string): boolean {
  return text.trim() !== '';
}

/** Null: no whole number that the API takes. */
function rateOf(text: string): number | null {
  const count = /^\d{1,10}$/.test(text.trim()) ? Number(text) : 0;
  return count >= 1 && count <= MOST ? count : null;
}

/** As a field for days takes it, where the reader is. */
function dayOf(at: Date): string {
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}

/** Of that day, where the reader is: a key works on the day that he chose. */
function endOf(day: string): Date {
  return new Date(`${day}T23:59:59`);
}
