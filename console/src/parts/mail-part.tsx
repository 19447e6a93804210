// The mail address: which it is, and another one, by a code that is sent to that. A reload in between loses nothing.
import { Alert, Button, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { meQuery, sessionsQuery, useMe } from '../api/questions.ts';
import { codeIn, isMailAddress } from '../entered.ts';
import { useWords } from '../messages/language.ts';
import { BeginAgain, isCodeOver } from './begin-again.tsx';
import { CodeInput } from './code-input.tsx';
import { Dialog } from './dialog.tsx';
import { Form, useForm } from './form.tsx';
import { checkProof, ProofInputs, proofBody, UNPROVED } from './proof-inputs.tsx';

export function MailPart() {
  const t = useWords();
  const { email, mailChange } = useMe();
  const [open, setOpen] = useState<'asking' | 'confirming' | null>(null);
  const close = () => setOpen(null);
  return (
    <section className="part" aria-labelledby="mail">
      <h2 id="mail">{t('mail.title')}</h2>
      <p>{email}</p>
      <p className="quiet">{t('mail.lead')}</p>
      {mailChange === null ? null : (
        <Alert color="teal" role="status" className="note">
          <div className="problem">
            <p>{t('mail.sent', { email: mailChange.email })}</p>
            <Button size="xs" onClick={() => setOpen('confirming')}>
              {t('mail.enter')}
            </Button>
          </div>
        </Alert>
      )}
      <Button variant="default" onClick={() => setOpen('asking')}>
        {t('mail.change')}
      </Button>
      <Dialog opened={open !== null} close={close} title={t('mail.change')}>
        {open === 'confirming' ? (
          <Confirming address={mailChange?.email ?? ''} done={close} again={() => setOpen('asking')} />
        ) : (
          <Asking sent={() => setOpen('confirming')} />
        )}
      </Dialog>
    </section>
  );
}

function Asking({ sent }: { sent(): void }) {
  const t = useWords();
  const me = useMe();
  const queries = useQueryClient();
  const form = useForm({
    initial: { email: '', ...UNPROVED },
    check: ({ email, ...proof }) => ({
      email: isMailAddress(email) ? null : t('fields.email'),
      ...checkProof(proof, me, t),
    }),
    send: ({ email, ...proof }) =>
      told(api.POST('/api/v1/me/mail-changes', { body: { email: email.trim(), ...proofBody(proof, me) } })),
    done: async () => {
      await queries.invalidateQueries(meQuery);
      sent();
    },
  });
  return (
    <Form form={form} submit={t('mail.next')}>
      <TextInput
        {...form.input('email')}
        label={t('mail.fresh')}
        type="email"
        autoComplete="off"
        maxLength={254}
        data-autofocus
      />
      <ProofInputs input={form.input} />
    </Form>
  );
}

interface Confirming {
  readonly address: string;
  done(): void;
  /** After some wrong codes no right one is taken any more. */
  again(): void;
}

function Confirming({ address, done, again }: Confirming) {
  const t = useWords();
  const queries = useQueryClient();
  const form = useForm({
    initial: { code: '' },
    check: ({ code }) => ({ code: codeIn(code).length === 6 ? null : t('fields.code') }),
    send: ({ code }) => told(api.POST('/api/v1/me/mail-changes/confirm', { body: { code: codeIn(code) } })),
    done: async () => {
      await Promise.all([queries.invalidateQueries(meQuery), queries.invalidateQueries(sessionsQuery)]);
      done();
    },
  });
  if (isCodeOver(form.problem)) {
    return <BeginAgain thrown={form.problem} verb={t('mail.again')} begin={again} />;
  }
  return (
    <Form form={form} submit={t('mail.confirm')}>
      <p>{t('mail.sent', { email: address })}</p>
      <CodeInput label={t('secondFactor.code')} input={form.input('code')} />
      <p className="quiet">{t('mail.effect')}</p>
    </Form>
  );
}
