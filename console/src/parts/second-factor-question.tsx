// Between the password, or a provider's word, and the session: the second factor of whoever has one.
import { Anchor, Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { codeIn } from '../entered.ts';
import { useWords } from '../messages/language.ts';
import { BeginAgain, isCodeOver } from './begin-again.tsx';
import { CodeInput } from './code-input.tsx';
import { Form, useForm } from './form.tsx';
import { PageHeading } from './page-heading.tsx';

interface SecondFactorQuestion {
  passed(): void;
  /** After some wrong codes no right one is taken any more. */
  again(): void;
}

export function SecondFactorQuestion({ passed, again }: SecondFactorQuestion) {
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
