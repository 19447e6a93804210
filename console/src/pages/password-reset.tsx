// A new password, by the link of our mail. What proves that somebody got it stands behind the #, which browsers send nowhere, and leaves
// the address as soon as it is read.
import { Anchor } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { api, told } from '../api/client.ts';
import { isPasswordLongEnough } from '../entered.ts';
import { useWords } from '../messages/language.ts';
import { Form, useForm } from '../parts/form.tsx';
import { NewPassword } from '../parts/new-password.tsx';
import { PageHeading } from '../parts/page-heading.tsx';

export function PasswordReset() {
  const t = useWords();
  const [proof] = useState(() => location.hash.slice(1));
  const [isDone, setDone] = useState(false);
  useEffect(() => history.replaceState(history.state, '', location.pathname), []);
  const form = useForm({
    initial: { password: '' },
    check: ({ password }) => ({ password: isPasswordLongEnough(password) ? null : t('fields.password') }),
    send: ({ password }) => told(api.POST('/api/v1/password-resets/confirm', { body: { token: proof, password } })),
    done: () => setDone(true),
  });
  if (isDone) {
    return (
      <>
        <PageHeading title={t('reset.done')} lead={t('reset.doneMore')} />
        <p className="aside">
          <Anchor renderRoot={(props) => <Link to="/sign-in" {...props} />}>{t('signIn.title')}</Anchor>
        </p>
      </>
    );
  }
  return (
    <>
      <PageHeading title={t('reset.title')} lead={t('reset.lead')} />
      <Form form={form} submit={t('reset.submit')}>
        <NewPassword label={t('reset.password')} input={form.input('password')} typed={form.values.password} />
      </Form>
      <p className="aside">
        <Anchor renderRoot={(props) => <Link to="/forgotten-password" {...props} />}>{t('reset.again')}</Anchor>
      </p>
    </>
  );
}
