// The other language, named in itself: whoever cannot read this page finds it.
import { Button } from '@mantine/core';
import { type Language, speak, spoken, useWords } from '../messages/language.ts';

const NAMES: { readonly [L in Language]: string } = { en: 'English', zh: '中文' };

export function LanguageSwitch() {
  useWords(); // shows itself anew when the language changes
  const other = spoken() === 'en' ? 'zh' : 'en';
  return (
    <Button variant="subtle" size="compact-sm" lang={other === 'zh' ? 'zh-CN' : 'en'} onClick={() => void speak(other)}>
      {NAMES[other]}
    </Button>
  );
}
