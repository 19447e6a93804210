// Signing in: a passkey; or a password, and where somebody has one, a second factor; or by his enterprise, on a page of its own. Then he goes on where he
// was about to go, if that is a page of ours.
import { Anchor, Button, PasswordInput } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { enter } from '../enter.ts';
import { isMailAddress } from '../entered.ts';
import { useWords } from '../messages/language.ts';
import { isInvited, ownPath } from '../own-path.ts';
import { AlreadyIn, useSignedIn } from '../parts/already-in.tsx';
import { Form, useForm } from '../parts/form.tsx';
import { MailInput } from '../parts/mail-input.tsx';
import { OpenedByNumber } from '../parts/opened-by-number.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { SecondFactorQuestion } from '../parts/second-factor-question.tsx';
import { hasPasskeys, namedAddress, signByPasskey } from '../passkey.ts';
import { useVisitorAddress, visitorAddress } from '../visitor-address.ts';

const here = getRouteApi('/visitor/sign-in');

export function SignIn() {
  const { next } = here.useSearch();
  const [step, setStep] = useState<'password' | 'second_factor'>('password');
  const { email, forget } = useSignedIn();
  const goOn = () => enter(ownPath(next));
  if (email !== null) return <AlreadyIn email={email} next={next} signedOut={forget} />;
  if (step === 'second_factor') return <SecondFactorQuestion passed={goOn} again={() => setStep('password')} />;
  return <Password next={next} passed={(state) => (state === 'signed_in' ? goOn() : setStep(state))} />;
}

interface Password {
  /** Goes along to signing up: who was invited may have no account yet. */
  readonly next: string | undefined;
  passed(state: 'signed_in' | 'second_factor'): void;
}

function Password({ next, passed }: Password) {
  const t = useWords();
  const search = next === undefined ? {} : { next };
  const form = useForm({
    initial: { email: visitorAddress(), password: '' },
    keptAs: 'sign-in',
    check: ({ email, password }) => ({
      email: isMailAddress(email) ? null : t('fields.email'),
      password: password === '' ? t('fields.empty') : null,
    }),
    send: ({ email, password }) => told(api.POST('/api/v1/sign-ins', { body: { email: email.trim(), password } })),
    done: ({ state }) => passed(state),
  });
  useVisitorAddress(form.values.email);
  return (
    <>
      <PageHeading title={t('signIn.title')} lead={isInvited(next) ? t('signIn.invited') : undefined} />
      <Form form={form} submit={t('signIn.submit')}>
        <MailInput input={form.input('email')} autoComplete="username" />
        <PasswordInput
          {...form.input('password')}
          label={t('signUp.password')}
          autoComplete="current-password"
          maxLength={128}
          visibilityToggleButtonProps={{ 'aria-label': t('password.show') }}
        />
      </Form>
      <ByPasskey passed={() => passed('signed_in')} />
      <p className="aside">
        <Anchor renderRoot={(props) => <Link to="/single-sign-on" search={search} {...props} />}>
          {t('signIn.singleSignOn')}
        </Anchor>
      </p>
      <p className="aside">
        <Anchor renderRoot={(props) => <Link to="/forgotten-password" search={search} {...props} />}>
          {t('signIn.forgotten')}
        </Anchor>
      </p>
      <p className="aside">
        {t('signIn.new')}{' '}
        <Anchor renderRoot={(props) => <Link to="/sign-up" search={search} {...props} />}>{t('signUp.title')}</Anchor>
      </p>
    </>
  );
}

function ByPasskey({ passed }: { readonly passed: () => void }) {
  const address = namedAddress();
  if (!hasPasskeys()) return null;
  return address === null ? <UsePasskey passed={passed} /> : <OpenedByNumber address={address} />;
}

function UsePasskey({ passed }: { readonly passed: () => void }) {
  const t = useWords();
  const form = useForm({
    initial: {},
    check: () => ({}),
    async send() {
      const body = await signByPasskey(await told(api.GET('/api/v1/sign-ins/passkey')));
      return told(api.POST('/api/v1/sign-ins/passkey', { body }));
    },
    done: passed,
  });
  return (
    <form noValidate onSubmit={form.submit} className="form">
      <ProblemNote thrown={form.problem} />
      <Button type="submit" variant="default" loading={form.isPending}>
        {t('signIn.passkey')}
      </Button>
    </form>
  );
}
