// Takes a key out of use, or puts it back. Whoever does it says why: it stands in the audit log, and those who wonder why their calls fail read it.
import { Button, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { type ApiKey, keysKey } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { Dialog } from './dialog.tsx';
import { Form, useForm } from './form.tsx';

interface KeySwitch {
  readonly orgId: string;
  readonly apiKey: ApiKey;
}

export function KeySwitch({ orgId, apiKey }: KeySwitch) {
  const t = useWords();
  const [isAsking, setAsking] = useState(false);
  const verb = apiKey.disabledAt === null ? 'disable' : 'enable';
  const { name } = apiKey;
  return (
    <>
      <Button
        variant="subtle"
        size="xs"
        color={verb === 'disable' ? 'red' : 'teal'}
        aria-label={t(`keys.${verb}.one`, { name })}
        onClick={() => setAsking(true)}
      >
        {t(`keys.${verb}.verb`)}
      </Button>
      <Dialog opened={isAsking} close={() => setAsking(false)} title={t(`keys.${verb}.title`, { name })}>
        <Confirmation orgId={orgId} apiKey={apiKey} verb={verb} done={() => setAsking(false)} />
      </Dialog>
    </>
  );
}

interface Confirmation extends KeySwitch {
  readonly verb: 'disable' | 'enable';
  done(): void;
}

function Confirmation({ orgId, apiKey, verb, done }: Confirmation) {
  const t = useWords();
  const queries = useQueryClient();
  const form = useForm({
    initial: { reason: '' },
    check: ({ reason }) => ({ reason: reason.trim() === '' ? t('fields.reason') : null }),
    send: ({ reason }) => {
      const params = { path: { id: apiKey.id }, header: { 'If-Match': `"${apiKey.version}"` } };
      const asked = { params, body: { reason: reason.trim() } };
      return told(
        verb === 'disable'
          ? api.POST('/api/v1/api-keys/{id}/disable', asked)
          : api.POST('/api/v1/api-keys/{id}/enable', asked),
      );
    },
    done: async () => {
      await queries.invalidateQueries({ queryKey: keysKey(orgId) });
      done();
    },
  });
  return (
    <Form
      form={form}
      submit={t(`keys.${verb}.verb`)}
      isGrave={verb === 'disable'}
      beside={
        <Button variant="default" onClick={done}>
          {t('keys.cancel')}
        </Button>
      }
    >
      <p>{t(`keys.${verb}.effect`)}</p>
      <TextInput {...form.input('reason')} label={t('keys.reason')} maxLength={500} data-autofocus />
    </Form>
  );
}
