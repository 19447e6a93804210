// After an account was closed: what happens now, and for whoever has followed the link of our mail, the way back.
import { Anchor } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { api, told } from '../api/client.ts';
import { useWords } from '../messages/language.ts';
import { Form, useForm } from '../parts/form.tsx';
import { PageHeading } from '../parts/page-heading.tsx';

export function Reopen() {
  const t = useWords();
  const [proof] = useState(() => location.hash.slice(1));
  const [isDone, setDone] = useState(false);
  useEffect(() => history.replaceState(history.state, '', location.pathname), []);
  const form = useForm({
    initial: {},
    check: () => ({}),
    send: () => told(api.POST('/api/v1/account-reopenings', { body: { token: proof } })),
    done: () => setDone(true),
  });
  if (proof === '') return <PageHeading title={t('reopen.closed')} lead={t('reopen.closedMore')} />;
  if (isDone) {
    return (
      <>
        <PageHeading title={t('reopen.done')} lead={t('reopen.lead')} />
        <p className="aside">
          <Anchor renderRoot={(props) => <Link to="/sign-in" {...props} />}>{t('signIn.title')}</Anchor>
        </p>
      </>
    );
  }
  return (
    <>
      <PageHeading title={t('reopen.title')} lead={t('reopen.lead')} />
      <Form form={form} submit={t('reopen.submit')}>
        {null}
      </Form>
    </>
  );
}
