// The second factor: a code from a device that somebody has, beside the password that he knows.
import { Alert, Badge, Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { api, told } from '../api/client.ts';
import { meQuery, sessionsQuery, useMe } from '../api/questions.ts';
import { codeIn } from '../entered.ts';
import { useWords } from '../messages/language.ts';
import { CodeInput } from './code-input.tsx';
import { Dialog } from './dialog.tsx';
import { Form, useForm } from './form.tsx';
import { PresenceInput } from './proof-inputs.tsx';
import { ProvedForm } from './proved-form.tsx';
import { RecoveryCodes } from './recovery-codes.tsx';

const QrCode = lazy(() => import('./qr-code.tsx'));

export function SecondFactorPart() {
  const t = useWords();
  const { enrolled, required } = useMe().secondFactor;
  const [isOpen, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <section className="part" aria-labelledby="second-factor">
      <h2 id="second-factor">
        {t('factor.title')}{' '}
        <Badge variant="light" color={enrolled ? 'teal' : 'gray'}>
          {enrolled ? t('factor.on') : t('factor.off')}
        </Badge>
      </h2>
      <p className="quiet">{t('factor.lead')}</p>
      {required && !enrolled ? (
        <Alert color="yellow" className="note">
          {t('factor.required')}
        </Alert>
      ) : null}
      <Button variant={enrolled ? 'default' : 'filled'} onClick={() => setOpen(true)}>
        {enrolled ? t('factor.remove') : t('factor.enrol')}
      </Button>
      <Dialog opened={isOpen} close={close} title={enrolled ? t('factor.remove') : t('factor.enrol')}>
        {enrolled ? <Removal done={close} /> : <Enrolment done={close} />}
      </Dialog>
    </section>
  );
}

interface Offered {
  readonly totpUri: string;
  readonly recoveryCodes: readonly string[];
}

/** Its three steps: that it is really him, the device, the codes for the day on which the device is gone. */
function Enrolment({ done }: { done(): void }) {
  const [offered, setOffered] = useState<Offered | null>(null);
  const [isConfirmed, setConfirmed] = useState(false);
  const queries = useQueryClient();
  if (offered === null) return <PresenceStep offered={setOffered} />;
  if (!isConfirmed) return <DeviceStep offered={offered} confirmed={() => setConfirmed(true)} />;
  const finish = async () => {
    done();
    await Promise.all([queries.invalidateQueries(meQuery), queries.invalidateQueries(sessionsQuery)]);
  };
  return <RecoveryCodes recoveryCodes={offered.recoveryCodes} kept={() => void finish()} />;
}

function PresenceStep({ offered }: { offered(made: Offered): void }) {
  const t = useWords();
  const { hasPassword } = useMe().presence;
  const form = useForm({
    initial: { password: '' },
    check: ({ password }) => ({ password: hasPassword && password === '' ? t('fields.empty') : null }),
    send: (body) => told(api.POST('/api/v1/me/second-factor', { body: hasPassword ? body : {} })),
    done: offered,
  });
  return (
    <Form form={form} submit={t('factor.next')}>
      <PresenceInput input={form.input('password')} />
    </Form>
  );
}

function DeviceStep({ offered, confirmed }: { readonly offered: Offered; confirmed(): void }) {
  const t = useWords();
  const form = useForm({
    initial: { code: '' },
    check: ({ code }) => ({ code: codeIn(code).length === 6 ? null : t('fields.code') }),
    send: ({ code }) => told(api.POST('/api/v1/me/second-factor/confirm', { body: { code: codeIn(code) } })),
    done: confirmed,
  });
  const byHand = new URL(offered.totpUri).searchParams.get('secret') ?? '';
  return (
    <Form form={form} submit={t('factor.confirm')}>
      <p>{t('factor.scan')}</p>
      <Suspense fallback={<div className="qr-code" />}>
        <QrCode text={offered.totpUri} label={t('factor.qr')} />
      </Suspense>
      <p className="quiet">{t('factor.byHand')}</p>
      <code className="secret" data-testid="seed">
        {byHand.replace(/(.{4})/g, '$1 ').trim()}
      </code>
      <CodeInput label={t('secondFactor.code')} input={form.input('code')} />
    </Form>
  );
}

function Removal({ done }: { done(): void }) {
  const t = useWords();
  const queries = useQueryClient();
  return (
    <ProvedForm
      submit={t('factor.remove')}
      isGrave
      send={({ code = '', ...proof }) =>
        told(api.POST('/api/v1/me/second-factor/remove', { body: { ...proof, code } }))
      }
      done={async () => {
        await queries.invalidateQueries(meQuery);
        done();
      }}
    >
      <p>{t('factor.removeMore')}</p>
    </ProvedForm>
  );
}
