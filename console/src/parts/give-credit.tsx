// Credit by hand. Above what one person may give it waits for another: the words say how much that is, and the API decides.
import { TextInput } from '@mantine/core';
import { api } from '../api/client.ts';
import { customerKey } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { nanoOf } from '../money.ts';
import { Act } from './act.tsx';

export function GiveCredit({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  return (
    <Act
      about={customerKey(orgId)}
      verb={t('act.credit.verb')}
      title={t('act.credit.title')}
      effect={t('act.credit.effect')}
      two={t('act.credit.two')}
      initial={{ amount: '' }}
      check={({ amount }) => ({ amount: isAmount(amount) ? null : t('fields.amount') })}
      fields={(input) => (
        <TextInput
          {...input('amount')}
          label={t('act.dollars')}
          inputMode="decimal"
          autoComplete="off"
          data-autofocus
        />
      )}
      send={({ amount, reason }, attemptId) =>
        api.POST('/api/v1/grants', {
          params: { header: { 'Idempotency-Key': attemptId } },
          body: { orgId, amountNano: nanoOf(amount) ?? '', note: reason },
        })
      }
    />
  );
}

function isAmount(text: string): boolean {
  const nano = nanoOf(text);
  return nano !== null && nano !== '0';
}
