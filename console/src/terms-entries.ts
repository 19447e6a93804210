// Terms as they are entered, as text, and as the API takes them. Fields are named as the API names them.
import type { components } from '../generated/api.d.ts';
import { agreeableCents } from './application-entries.ts';
import { dollarsOf, nanoOfCents } from './money.ts';

type Terms = NonNullable<components['schemas']['EnterpriseTerms']>;
type Wanted = Pick<components['schemas']['ApplicationFile'], 'submitted'>;

/** Of list price, in percent, to the millionth that the API takes. */
const PERCENT = /^\d{1,3}(\.\d{1,4})?$/;
const PPM_OF_A_PERCENT = 10_000;
const WHOLE_PPM = 100 * PPM_OF_A_PERCENT;
const MOST_NET_DAYS = 120;

const NOTHING = {
  'terms.creditLineCents': '0',
  'terms.netDays': '30',
  'terms.priceOfListPpm': '100',
  'terms.monthlyBudgetCents': '',
  'terms.allowedAddresses': '',
};
export type TermsEntries = typeof NOTHING;

/** What the applicant wishes is where it begins. */
export function termsEntriesOf({ submitted }: Wanted): TermsEntries {
  const wished = submitted?.wantedTerms;
  if (wished === undefined) return NOTHING;
  const { creditLineCents, netDays } = wished;
  return {
    ...NOTHING,
    'terms.creditLineCents': dollarsOf(nanoOfCents(creditLineCents)),
    'terms.netDays': String(netDays),
  };
}

export function wrongTermsIn(
  entered: TermsEntries,
): (readonly [field: keyof TermsEntries, wrong: 'amount' | 'days' | 'percent'])[] {
  const budget = entered['terms.monthlyBudgetCents'];
  return [
    ...(agreeableCents(entered['terms.creditLineCents']) === null
      ? [['terms.creditLineCents', 'amount'] as const]
      : []),
    ...(daysOf(entered) === null ? [['terms.netDays', 'days'] as const] : []),
    ...(ppmOf(entered) === null ? [['terms.priceOfListPpm', 'percent'] as const] : []),
    ...(budget.trim() !== '' && agreeableCents(budget) === null
      ? [['terms.monthlyBudgetCents', 'amount'] as const]
      : []),
  ];
}

/** Of what is not wrong. */
export function bodyOfTerms(entered: TermsEntries): Terms {
  return {
    creditLineCents: agreeableCents(entered['terms.creditLineCents']) ?? 0,
    netDays: daysOf(entered) ?? 0,
    priceOfListPpm: ppmOf(entered) ?? 0,
    monthlyBudgetCents: agreeableCents(entered['terms.monthlyBudgetCents']),
    allowedAddresses: [...new Set(entered['terms.allowedAddresses'].split(/[\s,，、]+/).filter((item) => item !== ''))],
  };
}

function daysOf(entered: TermsEntries): number | null {
  const text = entered['terms.netDays'].trim();
  return /^\d{1,3}$/.test(text) && Number(text) <= MOST_NET_DAYS ? Number(text) : null;
}

function ppmOf(entered: TermsEntries): number | null {
  return ppmOfPercent(entered['terms.priceOfListPpm']);
}

/** "84.5" -> 845000. Null: not a percentage, nothing at all, or more than all of it. */
export function ppmOfPercent(entered: string): number | null {
  const text = entered.trim().replace(/%$/, '');
  const ppm = PERCENT.test(text) ? Math.round(Number(text) * PPM_OF_A_PERCENT) : 0;
  return ppm > 0 && ppm <= WHOLE_PPM ? ppm : null;
}

/** As it is entered. Null: nothing. */
export function percentOf(ppm: number | null): string {
  return ppm === null ? '' : String(ppm / PPM_OF_A_PERCENT);
}
