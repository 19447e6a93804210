// A new account: who somebody is, then the code that his mail address was sent. A reload in between loses nothing but the password.
import { Anchor, Button } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { enter } from '../enter.ts';
import { codeIn } from '../entered.ts';
import { useWords } from '../messages/language.ts';
import { isInvited, ownPath } from '../own-path.ts';
import { AlreadyIn, useSignedIn } from '../parts/already-in.tsx';
import { CodeInput } from '../parts/code-input.tsx';
import { Form, useForm } from '../parts/form.tsx';
import { checkPerson, NOBODY_YET, PersonFields, personBody } from '../parts/new-person.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { useVisitorAddress, visitorAddress } from '../visitor-address.ts';

const here = getRouteApi('/visitor/sign-up');
const AWAITED = 'tollgate-sign-up-address';

export function SignUp() {
  const [address, setAddress] = useState(sessionStorage.getItem(AWAITED));
  const wait = (email: string | null) => {
    if (email === null) sessionStorage.removeItem(AWAITED);
    else sessionStorage.setItem(AWAITED, email);
    setAddress(email);
  };
  if (address !== null) return <Confirm email={address} again={() => wait(null)} />;
  return <NewAccount sent={wait} />;
}

function NewAccount({ sent }: { readonly sent: (email: string) => void }) {
  const { email, forget } = useSignedIn();
  const { next } = here.useSearch();
  return email === null ? <Details sent={sent} /> : <AlreadyIn email={email} next={next} signedOut={forget} />;
}

function Details({ sent }: { readonly sent: (email: string) => void }) {
  const t = useWords();
  const search = here.useSearch();
  const { next } = search;
  const form = useForm({
    initial: { ...NOBODY_YET, email: visitorAddress() },
    keptAs: 'sign-up',
    check: (entered) => checkPerson(entered, t),
    send: (entered) => told(api.POST('/api/v1/sign-ups', { body: personBody(entered) })),
    done: (_, { email }) => sent(email.trim()),
  });
  useVisitorAddress(form.values.email);
  return (
    <>
      <PageHeading title={t('signUp.title')} lead={isInvited(next) ? t('signUp.invited') : t('signUp.lead')} />
      <Form form={form} submit={t('signUp.submit')}>
        <PersonFields form={form} />
      </Form>
      <p className="aside">
        {t('signUp.known')}{' '}
        <Anchor renderRoot={(props) => <Link to="/sign-in" search={search} {...props} />}>{t('signIn.title')}</Anchor>
      </p>
    </>
  );
}

function Confirm({ email, again }: { readonly email: string; readonly again: () => void }) {
  const t = useWords();
  const { next } = here.useSearch();
  const form = useForm({
    initial: { code: '' },
    check: ({ code }) => ({ code: codeIn(code).length === 6 ? null : t('fields.code') }),
    send: ({ code }) => told(api.POST('/api/v1/sign-ups/confirm', { body: { email, code: codeIn(code) } })),
    done: (answer) => {
      sessionStorage.removeItem(AWAITED);
      // Whom his provider has made, and who has a second factor: he signs in by it, and by the password that he has now.
      if ('state' in answer) return enter('/sign-in');
      const [first] = answer.memberships;
      if (next !== undefined) enter(ownPath(next));
      else enter(first === undefined ? '/' : `/o/${first.orgId}/start`);
    },
  });
  return (
    <>
      <PageHeading title={t('confirm.title')} lead={t('confirm.lead', { email })} />
      <Form
        form={form}
        submit={t('confirm.submit')}
        beside={
          <Button variant="subtle" onClick={again}>
            {t('confirm.again')}
          </Button>
        }
      >
        <CodeInput label={t('confirm.code')} input={form.input('code')} />
      </Form>
      <p className="aside">{t('confirm.nothing')}</p>
    </>
  );
}
