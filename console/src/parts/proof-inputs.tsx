// That it is really him, where a session that was left open must not be enough: his password, and the code of his app if he has one.
import { PasswordInput, TextInput } from '@mantine/core';
import { useMe } from '../api/questions.ts';
import { codeIn, LONGEST_PASSWORD } from '../entered.ts';
import { useWords, type Words } from '../messages/language.ts';
import type { FieldInput } from './form.tsx';

export const UNPROVED = { password: '', code: '' };
type Typed = typeof UNPROVED;

export function checkProof({ password, code }: Typed, hasSecondFactor: boolean, t: Words) {
  return {
    password: password === '' ? t('fields.empty') : null,
    code: !hasSecondFactor || codeIn(code).length === 6 ? null : t('fields.code'),
  };
}

export function proofBody({ password, code }: Typed, hasSecondFactor: boolean) {
  return hasSecondFactor ? { password, code: codeIn(code) } : { password };
}

export function ProofInputs({ input }: { input(field: keyof Typed): FieldInput }) {
  const t = useWords();
  const { enrolled } = useMe().secondFactor;
  return (
    <>
      <PasswordInput
        {...input('password')}
        label={t('password.current')}
        autoComplete="current-password"
        maxLength={LONGEST_PASSWORD}
        visibilityToggleButtonProps={{ 'aria-label': t('password.show') }}
      />
      {enrolled ? (
        <TextInput
          {...input('code')}
          label={t('secondFactor.code')}
          inputMode="numeric"
          autoComplete="one-time-code"
          maxLength={11}
        />
      ) : null}
    </>
  );
}
