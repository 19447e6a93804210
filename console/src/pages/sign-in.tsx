// Signing in: a passkey; or a password, and where somebody has one, a second factor. Then he goes on where he was about to go, if that is a page of ours.
import { Anchor, Button, PasswordInput, TextInput } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { enter } from '../enter.ts';
import { codeIn, isMailAddress } from '../entered.ts';
import { useWords } from '../messages/language.ts';
import { isInvited, ownPath } from '../own-path.ts';
import { BeginAgain, isCodeOver } from '../parts/begin-again.tsx';
import { CodeInput } from '../parts/code-input.tsx';
import { Form, useForm } from '../parts/form.tsx';
import { MailInput } from '../parts/mail-input.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { hasPasskeys, signByPasskey } from '../passkey.ts';
import { useVisitorAddress, visitorAddress } from '../visitor-address.ts';

const here = getRouteApi('/visitor/sign-in');

export function SignIn() {
  const { next } = here.useSearch();
  const [step, setStep] = useState<'password' | 'second_factor'>('password');
  const goOn = () => enter(ownPath(next));
  if (step === 'second_factor') return <SecondFactor passed={goOn} again={() => setStep('password')} />;
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
      {hasPasskeys() ? <ByPasskey passed={() => passed('signed_in')} /> : null}
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

interface SecondFactor {
  passed(): void;
  /** After some wrong codes no right one is taken any more. */
  again(): void;
}

function SecondFactor({ passed, again }: SecondFactor) {
  const t = useWords();
  const [hasDevice, setHasDevice] = useState(true);
  const digitsMissing = (code: string) => (codeIn(code).length === 6 ? null : t('fields.code'));
  const form = useForm({
    initial: { code: '' },
    check: ({ code }) => ({ code: hasDevice ? digitsMissing(code) : code.trim() === '' ? t('fields.empty') : null }),
    send: ({ code }) => {
      const body = hasDevice ? { code: codeIn(code) } : { recoveryCode: code.trim() };
      return told(api.POST('/api/v1/sign-ins/second-factor', { body }));
    },
    done: passed,
  });
  if (isCodeOver(form.problem)) {
    return (
      <>
        <PageHeading title={t('secondFactor.title')} />
        <BeginAgain thrown={form.problem} verb={t('secondFactor.again')} begin={again} />
      </>
    );
  }
  return (
    <>
      <PageHeading
        title={t('secondFactor.title')}
        lead={hasDevice ? t('secondFactor.lead') : t('secondFactor.leadRecovery')}
      />
      <Form
        form={form}
        submit={t('signIn.submit')}
        beside={
          <Button
            variant="subtle"
            onClick={() => {
              form.clear();
              setHasDevice(!hasDevice);
            }}
          >
            {hasDevice ? t('secondFactor.useRecovery') : t('secondFactor.useDevice')}
          </Button>
        }
      >
        {hasDevice ? (
          <CodeInput label={t('secondFactor.code')} input={form.input('code')} />
        ) : (
          <TextInput {...form.input('code')} label={t('secondFactor.recoveryCode')} autoComplete="off" />
        )}
      </Form>
      <p className="aside">
        {t('secondFactor.refused')}{' '}
        <Anchor component="button" type="button" inherit onClick={again}>
          {t('secondFactor.again')}
        </Anchor>
      </p>
    </>
  );
}
