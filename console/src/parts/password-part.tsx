// Another password. All other sessions end with it: whoever had the old one is out.
import { PasswordInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { api, told } from '../api/client.ts';
import { sessionsQuery, useMe } from '../api/questions.ts';
import { isPasswordLongEnough } from '../entered.ts';
import { useWords } from '../messages/language.ts';
import { Form, useForm } from './form.tsx';
import { NewPassword } from './new-password.tsx';
import { Saved } from './profile-part.tsx';

export function PasswordPart() {
  const t = useWords();
  const { hasPassword } = useMe().presence;
  return (
    <section className="part" aria-labelledby="password">
      <h2 id="password">{t('password.title')}</h2>
      {hasPassword ? <AnotherPassword /> : <p className="quiet">{t('password.none')}</p>}
    </section>
  );
}

function AnotherPassword() {
  const t = useWords();
  const queries = useQueryClient();
  const form = useForm({
    initial: { currentPassword: '', newPassword: '' },
    check: ({ currentPassword, newPassword }) => ({
      currentPassword: currentPassword === '' ? t('fields.empty') : null,
      newPassword: isPasswordLongEnough(newPassword) ? null : t('fields.password'),
    }),
    send: (body) => told(api.POST('/api/v1/me/password', { body })),
    done: async () => {
      form.clear();
      await queries.invalidateQueries(sessionsQuery);
    },
  });
  return (
    <>
      <p className="quiet">{t('password.lead')}</p>
      <Form form={form} submit={t('password.submit')} beside={<Saved isSaved={form.isDone} />}>
        <PasswordInput
          {...form.input('currentPassword')}
          label={t('password.current')}
          autoComplete="current-password"
          maxLength={128}
          visibilityToggleButtonProps={{ 'aria-label': t('password.show') }}
        />
        <NewPassword label={t('password.fresh')} input={form.input('newPassword')} typed={form.values.newPassword} />
      </Form>
    </>
  );
}
