// A link to choose a new password by. Whether an address is known is told to its owner alone, in the mail.
import { Anchor } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { isMailAddress } from '../entered.ts';
import { useWords } from '../messages/language.ts';
import { Form, useForm } from '../parts/form.tsx';
import { MailInput } from '../parts/mail-input.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { useVisitorAddress, visitorAddress } from '../visitor-address.ts';

const here = getRouteApi('/visitor/forgotten-password');

export function ForgottenPassword() {
  const t = useWords();
  const search = here.useSearch();
  const [sentTo, setSentTo] = useState<string | null>(null);
  const form = useForm({
    initial: { email: visitorAddress() },
    keptAs: 'forgotten-password',
    check: ({ email }) => ({ email: isMailAddress(email) ? null : t('fields.email') }),
    send: ({ email }) => told(api.POST('/api/v1/password-resets', { body: { email: email.trim() } })),
    done: (_, { email }) => setSentTo(email.trim()),
  });
  useVisitorAddress(form.values.email);
  const back = (
    <p className="aside">
      <Anchor renderRoot={(props) => <Link to="/sign-in" search={search} {...props} />}>{t('forgotten.back')}</Anchor>
    </p>
  );
  if (sentTo !== null) {
    return (
      <>
        <PageHeading title={t('forgotten.sent')} lead={t('forgotten.sentMore', { email: sentTo })} />
        {back}
      </>
    );
  }
  return (
    <>
      <PageHeading title={t('forgotten.title')} lead={t('forgotten.lead')} />
      <Form form={form} submit={t('forgotten.submit')}>
        <MailInput input={form.input('email')} autoComplete="username" />
      </Form>
      {back}
    </>
  );
}
