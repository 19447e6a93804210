// The bounds of a key, folded away: most keys need none, and each one left empty bounds nothing.
import { Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { OfferedModel } from '../api/organization-questions.ts';
import { type EnteredBounds, RATES, withModel } from '../key-bounds.ts';
import { useWords } from '../messages/language.ts';
import { CapInputs } from './cap-inputs.tsx';
import type { FormState } from './form.tsx';
import { ModelPicker } from './model-picker.tsx';

interface KeyBounds {
  readonly form: FormState<EnteredBounds & { name: string }>;
  /** Undefined: not known yet. */
  readonly offered: readonly OfferedModel[] | undefined;
  /** Whoever changes them has come for them. */
  readonly isUnfolded?: boolean;
}

export function KeyBounds({ form, offered, isUnfolded = false }: KeyBounds) {
  const t = useWords();
  // Whoever mends what was wrong goes on where he is.
  const [isOpen, setOpen] = useState(isUnfolded);
  const hasProblem = Object.entries(form.errors).some(([field, error]) => field !== 'name' && error !== '');
  return (
    <details
      className="bounds-form"
      open={isOpen || hasProblem}
      onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
    >
      <summary>{t('bounds.title')}</summary>
      <p className="quiet">{t('bounds.lead')}</p>
      <fieldset>
        <legend>{t('bounds.caps')}</legend>
        <CapInputs input={form.input} />
      </fieldset>
      <fieldset>
        <legend>{t('bounds.rates')}</legend>
        {RATES.map((field) => (
          <TextInput
            key={field}
            {...form.input(field)}
            label={t(`bounds.${field}`)}
            inputMode="numeric"
            autoComplete="off"
          />
        ))}
        <TextInput {...form.input('expiresOn')} label={t('bounds.expiresOn')} type="date" />
      </fieldset>
      <Textarea
        {...form.input('allowedModels')}
        label={t('bounds.models')}
        description={t('bounds.modelsMore')}
        rows={2}
        spellCheck={false}
      />
      <ModelPicker
        offered={offered}
        add={(id) => form.put('allowedModels', withModel(form.values.allowedModels, id))}
      />
      <Textarea
        {...form.input('allowedAddresses')}
        label={t('bounds.addresses')}
        description={t('bounds.addressesMore')}
        rows={2}
        spellCheck={false}
      />
    </details>
  );
}
