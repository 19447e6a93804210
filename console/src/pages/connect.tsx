// Somebody's provider has named him, and he has an account here: by the link of our mail he says that it is he. The link proves it, behind the #, and
// leaves the address as soon as it is read.
import { Anchor } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { api, told } from '../api/client.ts';
import { useWords } from '../messages/language.ts';
import { Form, useForm } from '../parts/form.tsx';
import { PageHeading } from '../parts/page-heading.tsx';

export function Connect() {
  const t = useWords();
  const [proof] = useState(() => location.hash.slice(1));
  const [isDone, setDone] = useState(false);
  useEffect(() => history.replaceState(history.state, '', location.pathname), []);
  const form = useForm({
    initial: {},
    check: () => ({}),
    send: () => told(api.POST('/api/v1/identity-links/confirm', { body: { token: proof } })),
    done: () => setDone(true),
  });
  if (isDone) {
    return (
      <>
        <PageHeading title={t('connect.done')} lead={t('connect.doneMore')} />
        <p className="aside">
          <Anchor renderRoot={(props) => <Link to="/single-sign-on" {...props} />}>{t('signOn.title')}</Anchor>
        </p>
      </>
    );
  }
  return (
    <>
      <PageHeading title={t('connect.title')} lead={t('connect.lead')} />
      <Form form={form} submit={t('connect.submit')}>
        {null}
      </Form>
    </>
  );
}
