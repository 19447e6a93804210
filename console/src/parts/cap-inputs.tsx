// What may be spent in a day, a week, a month and in all, in dollars: of a key, a member, or a sub-account.
import { TextInput } from '@mantine/core';
import { CAPS, type EnteredCaps } from '../key-bounds.ts';
import { useWords } from '../messages/language.ts';
import type { FieldInput } from './form.tsx';

interface CapInputs {
  input(field: keyof EnteredCaps): FieldInput;
}

export function CapInputs({ input }: CapInputs) {
  const t = useWords();
  return CAPS.map(([field, period]) => (
    <TextInput
      key={field}
      {...input(field)}
      label={t(`bounds.cap.${period}`)}
      leftSection="$"
      inputMode="decimal"
      autoComplete="off"
    />
  ));
}
