// Ends an application that nobody has approved yet. It can be begun anew with what was written.
import { Button, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { applicationsQuery } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { Dialog } from './dialog.tsx';
import { Form, useForm } from './form.tsx';

interface Withdrawal {
  readonly orgId: string;
  readonly applicationId: string;
}

export function Withdrawal({ orgId, applicationId }: Withdrawal) {
  const t = useWords();
  const [isAsking, setAsking] = useState(false);
  const close = () => setAsking(false);
  return (
    <>
      <Button variant="subtle" color="red" onClick={() => setAsking(true)}>
        {t('enterprise.withdraw')}
      </Button>
      <Dialog opened={isAsking} close={close} title={t('enterprise.withdrawTitle')}>
        <Confirmation orgId={orgId} applicationId={applicationId} close={close} />
      </Dialog>
    </>
  );
}

function Confirmation({ orgId, applicationId, close }: Withdrawal & { close(): void }) {
  const t = useWords();
  const queries = useQueryClient();
  const form = useForm({
    initial: { reason: '' },
    check: () => ({}),
    send: ({ reason }) => {
      const body = reason.trim() === '' ? {} : { reason: reason.trim() };
      const path = '/api/v1/organizations/{orgId}/applications/{applicationId}/withdraw';
      return told(api.POST(path, { params: { path: { orgId, applicationId } }, body }));
    },
    done: async () => {
      close();
      await queries.invalidateQueries(applicationsQuery(orgId));
    },
  });
  return (
    <Form
      form={form}
      submit={t('enterprise.withdraw')}
      isGrave
      beside={
        <Button variant="default" onClick={close}>
          {t('keys.cancel')}
        </Button>
      }
    >
      <p>{t('enterprise.withdrawEffect')}</p>
      <TextInput {...form.input('reason')} label={t('enterprise.withdrawReason')} maxLength={500} data-autofocus />
    </Form>
  );
}
