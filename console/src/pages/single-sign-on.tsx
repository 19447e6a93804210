// Signing in by one's enterprise: the address says which that is, and the browser goes to its provider.
import { Anchor } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { api, told } from '../api/client.ts';
import { isMailAddress } from '../entered.ts';
import { useWords } from '../messages/language.ts';
import { ownPath } from '../own-path.ts';
import { Form, useForm } from '../parts/form.tsx';
import { MailInput } from '../parts/mail-input.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { goToProvider } from '../sent-to-provider.ts';
import { useVisitorAddress, visitorAddress } from '../visitor-address.ts';

const here = getRouteApi('/visitor/single-sign-on');

export function SingleSignOn() {
  const t = useWords();
  const { next } = here.useSearch();
  const form = useForm({
    initial: { email: visitorAddress() },
    check: ({ email }) => ({ email: isMailAddress(email) ? null : t('fields.email') }),
    send: ({ email }) => told(api.POST('/api/v1/sign-ins/single-sign-on', { body: { email: email.trim() } })),
    done: ({ url }) => goToProvider(url, ownPath(next)),
  });
  useVisitorAddress(form.values.email);
  return (
    <>
      <PageHeading title={t('signOn.title')} lead={t('signOn.lead')} />
      <Form form={form} submit={t('signOn.submit')}>
        <MailInput input={form.input('email')} autoComplete="username" />
      </Form>
      <p className="aside">
        <Anchor renderRoot={(props) => <Link to="/sign-in" search={next === undefined ? {} : { next }} {...props} />}>
          {t('signOn.otherwise')}
        </Anchor>
      </p>
    </>
  );
}
