// A new password, by a link of our mail.
import { Anchor } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { isPasswordLongEnough } from '../entered.ts';
import { useLinkProof } from '../link-proof.ts';
import { useWords } from '../messages/language.ts';
import { Form, useForm } from './form.tsx';
import { NewPassword } from './new-password.tsx';
import { PageHeading } from './page-heading.tsx';

interface NewPasswordByLink {
  readonly words: {
    readonly title: string;
    readonly lead: string;
    readonly submit: string;
    readonly done: string;
    readonly doneMore: string;
  };
  send(proven: { readonly token: string; readonly password: string }): Promise<unknown>;
  readonly aside?: ReactNode;
}

export function NewPasswordByLink({ words, send, aside }: NewPasswordByLink) {
  const t = useWords();
  const proof = useLinkProof();
  const [isDone, setDone] = useState(false);
  const form = useForm({
    initial: { password: '' },
    check: ({ password }) => ({ password: isPasswordLongEnough(password) ? null : t('fields.password') }),
    send: ({ password }) => send({ token: proof, password }),
    done: () => setDone(true),
  });
  if (isDone) {
    return (
      <>
        <PageHeading title={words.done} lead={words.doneMore} />
        <p className="aside">
          <Anchor renderRoot={(props) => <Link to="/sign-in" {...props} />}>{t('signIn.title')}</Anchor>
        </p>
      </>
    );
  }
  return (
    <>
      <PageHeading title={words.title} lead={words.lead} />
      <Form form={form} submit={words.submit}>
        <NewPassword label={t('reset.password')} input={form.input('password')} typed={form.values.password} />
      </Form>
      {aside}
    </>
  );
}
