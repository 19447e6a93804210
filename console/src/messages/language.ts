// The languages of the console. Words of one language are loaded at a time, and of that the areas where somebody goes: nobody waits for
// the words of pages that he does not see. Those of the other language must have the same names, which the compiler checks, and the same
// gaps to fill, which a test does.
import i18next, { type TFunction } from 'i18next';
import { useSyncExternalStore } from 'react';
import type customers from './en/customers.json';
import type deeds from './en/deeds.json';
import type operations from './en/operations.json';
import type organization from './en/organization.json';
import type signedIn from './en/signed-in.json';
import type singleSignOn from './en/single-sign-on.json';
import type staff from './en/staff.json';
import type visitor from './en/visitor.json';

export type Messages = typeof visitor &
  typeof singleSignOn &
  typeof signedIn &
  typeof organization &
  typeof staff &
  typeof customers &
  typeof deeds &
  typeof operations;
export type Language = 'en' | 'zh';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'console';
    resources: { console: Messages };
  }
}

const REMEMBERED = 'tollgate-language';
const TAGS: { readonly [L in Language]: string } = { en: 'en', zh: 'zh-CN' };
/** What every page may say is in `visitor`. */
const WORDS = {
  visitor: {
    en: () => import('./en/visitor.json'),
    zh: (): Promise<{ readonly default: typeof visitor }> => import('./zh/visitor.json'),
  },
  singleSignOn: {
    en: () => import('./en/single-sign-on.json'),
    zh: (): Promise<{ readonly default: typeof singleSignOn }> => import('./zh/single-sign-on.json'),
  },
  signedIn: {
    en: () => import('./en/signed-in.json'),
    zh: (): Promise<{ readonly default: typeof signedIn }> => import('./zh/signed-in.json'),
  },
  organization: {
    en: () => import('./en/organization.json'),
    zh: (): Promise<{ readonly default: typeof organization }> => import('./zh/organization.json'),
  },
  staff: {
    en: () => import('./en/staff.json'),
    zh: (): Promise<{ readonly default: typeof staff }> => import('./zh/staff.json'),
  },
  customers: {
    en: () => import('./en/customers.json'),
    zh: (): Promise<{ readonly default: typeof customers }> => import('./zh/customers.json'),
  },
  /** What was done in an organization: its own people read it, and ours. */
  deeds: {
    en: () => import('./en/deeds.json'),
    zh: (): Promise<{ readonly default: typeof deeds }> => import('./zh/deeds.json'),
  },
  operations: {
    en: () => import('./en/operations.json'),
    zh: (): Promise<{ readonly default: typeof operations }> => import('./zh/operations.json'),
  },
};
type Area = keyof typeof WORDS;

const learned = new Set<Area>(['visitor']);
let wanted: Language = 'en';

const started = i18next.init({
  lng: 'en',
  fallbackLng: false,
  ns: 'console',
  defaultNS: 'console',
  resources: {},
  interpolation: { escapeValue: false }, // React escapes
});

/** The one that was chosen here before, else the browser's, else English. */
export function wantedLanguage(): Language {
  const wanted = [localStorage.getItem(REMEMBERED), ...navigator.languages].map((tag) => languageIn(tag ?? ''));
  return wanted.find((language) => language !== null) ?? 'en';
}

function languageIn(tag: string): Language | null {
  if (/^zh\b/i.test(tag)) return 'zh';
  return /^en\b/i.test(tag) ? 'en' : null;
}

export async function speak(language: Language): Promise<void> {
  wanted = language;
  await started;
  await Promise.all([...learned].map((area) => load(area, language)));
  await i18next.changeLanguage(language);
  document.documentElement.lang = TAGS[language];
  localStorage.setItem(REMEMBERED, language);
}

/** Before a page of that area is shown. */
export async function learn(area: Area): Promise<void> {
  learned.add(area);
  await load(area, wanted);
}

/** Areas share groups of words, as what is wrong with a field: one is laid over the other. */
async function load(area: Area, language: Language): Promise<void> {
  const { default: words } = await WORDS[area][language]();
  i18next.addResourceBundle(language, 'console', words, true);
}

export function spoken(): Language {
  return i18next.language === 'zh' ? 'zh' : 'en';
}

/** As Intl and the browser name it. */
export function spokenTag(): string {
  return TAGS[spoken()];
}

export type Words = TFunction;

/** What a page says, and says anew when the language changes. */
export function useWords(): Words {
  useSyncExternalStore(heard, () => i18next.language);
  return i18next.t;
}

function heard(changed: () => void): () => void {
  i18next.on('languageChanged', changed);
  return () => i18next.off('languageChanged', changed);
}
