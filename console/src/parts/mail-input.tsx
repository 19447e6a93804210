// A mail address, as every form asks for it.
import { TextInput } from '@mantine/core';
import { useWords } from '../messages/language.ts';
import type { FieldInput } from './form.tsx';

interface MailInput {
  readonly input: FieldInput;
  /** What the browser offers: an address that somebody has, or the one that he signs in with. */
  readonly autoComplete: 'email' | 'username';
}

export function MailInput({ input, autoComplete }: MailInput) {
  const t = useWords();
  return <TextInput {...input} label={t('signUp.email')} type="email" autoComplete={autoComplete} maxLength={254} />;
}
