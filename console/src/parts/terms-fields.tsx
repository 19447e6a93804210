// The terms on which an enterprise is approved, to be filled in.
import { Textarea, TextInput } from '@mantine/core';
import { useWords } from '../messages/language.ts';
import type { TermsEntries } from '../terms-entries.ts';
import type { FormState } from './form.tsx';

export function TermsFields({ form }: { readonly form: FormState<TermsEntries> }) {
  const t = useWords();
  return (
    <>
      <div className="two">
        <TextInput
          {...form.input('terms.creditLineCents')}
          label={t('application.creditLine')}
          leftSection="$"
          inputMode="decimal"
          autoComplete="off"
          data-autofocus
        />
        <TextInput {...form.input('terms.netDays')} label={t('terms.netDays')} inputMode="numeric" autoComplete="off" />
        <TextInput
          {...form.input('terms.priceOfListPpm')}
          label={t('application.price')}
          rightSection="%"
          inputMode="decimal"
          autoComplete="off"
        />
        <TextInput
          {...form.input('terms.monthlyBudgetCents')}
          label={t('terms.budget')}
          leftSection="$"
          inputMode="decimal"
          autoComplete="off"
        />
      </div>
      <Textarea
        {...form.input('terms.allowedAddresses')}
        label={t('terms.addresses')}
        description={t('bounds.addressesMore')}
        rows={2}
        spellCheck={false}
      />
    </>
  );
}
