// The six digits of a mail or an authenticator. One field, so that they can be pasted, filled in by the browser, and read out as one.
import { TextInput } from '@mantine/core';
import { useEffect, useRef } from 'react';
import type { FieldInput } from './form.tsx';

interface CodeInput {
  readonly label: string;
  readonly input: FieldInput;
}

export function CodeInput({ label, input }: CodeInput) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <TextInput
      {...input}
      ref={field}
      label={label}
      classNames={{ input: 'code-input' }}
      inputMode="numeric"
      autoComplete="one-time-code"
      maxLength={11}
    />
  );
}
