// Who is about to have an account: what is asked of him, and how it is sent.
import { TextInput } from '@mantine/core';
import { isMailAddress, isPasswordLongEnough } from '../entered.ts';
import { spoken, useWords, type Words } from '../messages/language.ts';
import type { FormState } from './form.tsx';
import { MailInput } from './mail-input.tsx';
import { NewPassword } from './new-password.tsx';

export const NOBODY_YET = { name: '', email: '', password: '' };
type Entered = typeof NOBODY_YET;

export function checkPerson({ name, email, password }: Entered, t: Words) {
  return {
    name: name.trim() === '' ? t('fields.name') : null,
    email: isMailAddress(email) ? null : t('fields.email'),
    password: isPasswordLongEnough(password) ? null : t('fields.password'),
  };
}

/** With the language and the time zone of his browser. */
export function personBody({ name, email, password }: Entered) {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return { name: name.trim(), email: email.trim(), password, locale: spoken(), timeZone };
}

export function PersonFields({ form }: { readonly form: FormState<Entered> }) {
  const t = useWords();
  return (
    <>
      <TextInput {...form.input('name')} label={t('signUp.name')} autoComplete="name" maxLength={200} />
      <MailInput input={form.input('email')} autoComplete="email" />
      <NewPassword label={t('signUp.password')} input={form.input('password')} typed={form.values.password} />
    </>
  );
}
