// What a locale calls money, moments, plans and purchases. Every moment names its time zone: a deadline that could be read in two
// zones is none.
import type { Locale, Purchase, Terms } from './kinds.ts';

export interface Phrases {
  money(cents: number, currency: string): string;
  /** `plusTax`: how much that is, is not known yet. */
  amount(of: { readonly amountCents: number; readonly currency: string; readonly plusTax?: boolean }): string;
  /** Of 842106 millionths: 84.2106% */
  share(ppm: number): string;
  /** December 1, 2026, 10:00 UTC */
  moment(iso: string): string;
  /** December 1, 2026: for subjects; the time of day stands in the text. */
  day(iso: string): string;
  /** Of 2026-12: December 2026 */
  month(yearAndMonth: string): string;
  /** the Team (yearly) plan, without its article */
  plan(terms: Terms): string;
  /** Within a sentence: the Pro plan */
  purchase(purchase: Purchase): string;
  /** As a line of a bill. */
  billLine(purchase: Purchase, currency: string): string;
}

const EN_PLANS = {
  free: 'Free',
  pay_as_you_go: 'Pay-as-you-go',
  pro: 'Pro',
  team: 'Team',
  enterprise: 'Enterprise',
} satisfies Readonly<Record<Terms['plan'], string>>;

/** What stands before 套餐: Latin names with a space. */
const ZH_PLANS = {
  free: '免费',
  pay_as_you_go: '按量付费',
  pro: 'Pro ',
  team: 'Team ',
  enterprise: '企业',
} satisfies Readonly<Record<Terms['plan'], string>>;

const EN: Phrases = {
  ...formats('en-US'),
  moment: (iso) => `${EN.day(iso)}, ${timeOfDay(iso)} UTC`,
  plan: ({ plan, months }) => `${EN_PLANS[plan]}${months === 12 ? ' (yearly)' : ''} plan`,
  purchase(purchase) {
    switch (purchase.kind) {
      case 'plan':
        return `the ${EN.plan(purchase.terms)}`;
      case 'pack':
        return 'a credit pack';
      case 'top_up':
        return 'an automatic top-up';
      case 'usage':
        return 'your usage';
    }
  },
  billLine(purchase, currency) {
    switch (purchase.kind) {
      case 'plan':
        return `${EN.plan(purchase.terms)}, ${EN.day(purchase.from)} to ${EN.day(purchase.to)} (UTC)`;
      case 'pack': {
        const { creditCents, bonusCents } = purchase;
        const bonus = bonusCents === 0 ? '' : ` and ${EN.money(bonusCents, currency)} of bonus credit`;
        return `${EN.money(creditCents, currency)} of credit${bonus}`;
      }
      case 'top_up':
        return `${EN.money(purchase.creditCents, currency)} of credit, automatic top-up`;
      case 'usage':
        return `API usage, ${EN.day(purchase.from)} to ${EN.day(purchase.to)} (UTC)`;
    }
  },
};

const ZH: Phrases = {
  ...formats('zh-CN'),
  moment: (iso) => `${ZH.day(iso)} ${timeOfDay(iso)}（UTC）`,
  plan: ({ plan, months }) => `${ZH_PLANS[plan]}${months === 12 ? '年付' : ''}套餐`,
  purchase(purchase) {
    switch (purchase.kind) {
      case 'plan':
        return ZH.plan(purchase.terms);
      case 'pack':
        return '充值包';
      case 'top_up':
        return '自动充值';
      case 'usage':
        return 'API 用量';
    }
  },
  billLine(purchase, currency) {
    switch (purchase.kind) {
      case 'plan':
        return `${ZH.plan(purchase.terms)}，${ZH.day(purchase.from)}至${ZH.day(purchase.to)}（UTC）`;
      case 'pack': {
        const { creditCents, bonusCents } = purchase;
        const bonus = bonusCents === 0 ? '' : `，另赠 ${ZH.money(bonusCents, currency)}`;
        return `充值额度 ${ZH.money(creditCents, currency)}${bonus}`;
      }
      case 'top_up':
        return `自动充值额度 ${ZH.money(purchase.creditCents, currency)}`;
      case 'usage':
        return `API 用量，${ZH.day(purchase.from)}至${ZH.day(purchase.to)}（UTC）`;
    }
  },
};

export const PHRASES: Readonly<Record<Locale, Phrases>> = { en: EN, zh: ZH };

const PLUS_TAX = { 'en-US': ' plus tax', 'zh-CN': '（税费另计）' } as const;

function formats(language: 'en-US' | 'zh-CN'): Pick<Phrases, 'money' | 'amount' | 'share' | 'day' | 'month'> {
  const dayFormat = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' });
  const monthFormat = new Intl.DateTimeFormat(language, { year: 'numeric', month: 'long', timeZone: 'UTC' });
  const shareFormat = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 4 });
  // By currency: making one takes longer than using it a hundred times.
  const moneyFormats = new Map<string, Intl.NumberFormat>();
  const money = (cents: number, currency: string) => {
    const known = moneyFormats.get(currency);
    const format = known ?? new Intl.NumberFormat(language, { style: 'currency', currency: currency.toUpperCase() });
    moneyFormats.set(currency, format);
    return format.format(cents / 100);
  };
  return {
    money,
    amount: ({ amountCents, currency, plusTax = false }) =>
      `${money(amountCents, currency)}${plusTax ? PLUS_TAX[language] : ''}`,
    share: (ppm) => shareFormat.format(ppm / 1_000_000),
    day: (iso) => dayFormat.format(new Date(iso)),
    month: (yearAndMonth) => monthFormat.format(new Date(`${yearAndMonth}-01T00:00:00Z`)),
  };
}

/** 10:00 */
function timeOfDay(iso: string): string {
  return new Date(iso).toISOString().slice(11, 16);
}
