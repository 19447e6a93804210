// The languages of the console. Words of one language are loaded at a time; those of the other must have the same names, which the
// compiler checks, and the same gaps to fill, which a test does.
import i18next, { type TFunction } from 'i18next';
import { useSyncExternalStore } from 'react';
import type en from './en.json';

export type Messages = typeof en;
export type Language = 'en' | 'zh';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'console';
    resources: { console: Messages };
  }
}

const REMEMBERED = 'tollgate-language';
const TAGS: { readonly [L in Language]: string } = { en: 'en', zh: 'zh-CN' };
const WORDS: { readonly [L in Language]: () => Promise<{ readonly default: Messages }> } = {
  en: () => import('./en.json'),
  zh: () => import('./zh.json'),
};

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
  await started;
  const { default: words } = await WORDS[language]();
  i18next.addResourceBundle(language, 'console', words);
  await i18next.changeLanguage(language);
  document.documentElement.lang = TAGS[language];
  localStorage.setItem(REMEMBERED, language);
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
