// A password that is chosen: what is asked of it is said before, and ticked off while it is typed.
import { PasswordInput } from '@mantine/core';
import { LONGEST_PASSWORD, SHORTEST_PASSWORD } from '../entered.ts';
import { useWords } from '../messages/language.ts';
import type { FieldInput } from './form.tsx';
import { CheckIcon } from './icons.tsx';

interface NewPassword {
  readonly label: string;
  readonly input: FieldInput;
  /** As typed so far. */
  readonly typed: string;
}

export function NewPassword({ label, input, typed }: NewPassword) {
  const t = useWords();
  const isLongEnough = typed.length >= SHORTEST_PASSWORD;
  return (
    <PasswordInput
      {...input}
      label={label}
      autoComplete="new-password"
      maxLength={LONGEST_PASSWORD}
      visibilityToggleButtonProps={{ 'aria-label': t('password.show') }}
      description={
        <span className="rule" data-kept={isLongEnough}>
          <CheckIcon size={14} />
          {t('password.rule', { shortest: SHORTEST_PASSWORD })}
        </span>
      }
      inputWrapperOrder={['label', 'input', 'error', 'description']}
    />
  );
}
