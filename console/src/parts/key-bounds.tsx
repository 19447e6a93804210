// The bounds of a key, folded away: most keys need none, and each one left empty bounds nothing.
import { Textarea, TextInput } from '@mantine/core';
import { CAPS, type EnteredBounds, RATES } from '../key-bounds.ts';
import { useWords } from '../messages/language.ts';
import type { FormState } from './form.tsx';

export function KeyBounds({ form }: { readonly form: FormState<EnteredBounds & { name: string }> }) {
  const t = useWords();
  const hasProblem = Object.entries(form.errors).some(([field, error]) => field !== 'name' && error !== '');
  return (
    <details className="bounds-form" open={hasProblem || undefined}>
      <summary>{t('bounds.title')}</summary>
      <p className="quiet">{t('bounds.lead')}</p>
      <fieldset>
        <legend>{t('bounds.caps')}</legend>
        {CAPS.map(([field, period]) => (
          <TextInput
            key={field}
            {...form.input(field)}
            label={t(`bounds.cap.${period}`)}
            leftSection="$"
            inputMode="decimal"
            autoComplete="off"
          />
        ))}
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
