// Another name or other bounds for a key. Whatever is changed works at once, everywhere.
import { Button, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { type ApiKey, keysKey } from '../api/questions.ts';
import { bodyOf, enteredBounds, FIELD_OF, problemsOf } from '../key-bounds.ts';
import { useWords } from '../messages/language.ts';
import { Dialog } from './dialog.tsx';
import { Form, useForm } from './form.tsx';
import { KeyBounds } from './key-bounds.tsx';
import { type OfferedModels, useOfferedModels } from './offered-models.ts';

interface KeyChange {
  readonly orgId: string;
  readonly apiKey: ApiKey;
}

export function KeyChange({ orgId, apiKey }: KeyChange) {
  const t = useWords();
  const [isOpen, setOpen] = useState(false);
  const { name } = apiKey;
  return (
    <>
      <Button variant="subtle" size="xs" aria-label={t('keys.change.one', { name })} onClick={() => setOpen(true)}>
        {t('keys.change.verb')}
      </Button>
      <Dialog opened={isOpen} close={() => setOpen(false)} title={t('keys.change.one', { name })} isWide>
        <ChangeForm orgId={orgId} apiKey={apiKey} done={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function ChangeForm({ orgId, apiKey, done }: KeyChange & { done(): void }) {
  const t = useWords();
  const models = useOfferedModels(orgId);
  const form = useChange({ orgId, apiKey, done }, models);
  return (
    <Form
      form={form}
      submit={t('keys.change.submit')}
      beside={
        <Button variant="default" onClick={done}>
          {t('keys.cancel')}
        </Button>
      }
    >
      <TextInput {...form.input('name')} label={t('keys.name')} maxLength={200} autoComplete="off" data-autofocus />
      <KeyBounds form={form} offered={models.offered} isUnfolded />
    </Form>
  );
}

function useChange({ orgId, apiKey, done }: KeyChange & { done(): void }, { unknownIn }: OfferedModels) {
  const t = useWords();
  const queries = useQueryClient();
  // Of when it was opened, not what somebody wrote meanwhile.
  const [opened] = useState(apiKey);
  const initial = { name: opened.name, ...enteredBounds(opened) };
  return useForm({
    initial,
    keptAs: `key:${opened.id}:${opened.version}`,
    fieldOf: FIELD_OF,
    check: (entered) => {
      // A day that is past already may stay as it is.
      const wrong = problemsOf(entered).filter((field) => entered[field] !== initial[field]);
      return {
        ...(entered.name.trim() === '' ? { name: t('fields.keyName') } : {}),
        ...Object.fromEntries(wrong.map((field) => [field, t(`fields.${field}`)])),
        // As may a model that is not sold any more.
        ...(entered.allowedModels === initial.allowedModels ? {} : unknownIn(entered.allowedModels)),
      };
    },
    send: ({ name, ...bounds }) => {
      const { expiresAt, ...others } = bodyOf(bounds);
      // To the second only as whoever set it meant it.
      const expiry = bounds.expiresOn === initial.expiresOn ? {} : { expiresAt };
      const params = { path: { id: opened.id }, header: { 'If-Match': `"${opened.version}"` } };
      return told(api.PATCH('/api/v1/api-keys/{id}', { params, body: { name: name.trim(), ...others, ...expiry } }));
    },
    done: async () => {
      await queries.invalidateQueries({ queryKey: keysKey(orgId) });
      done();
    },
  });
}
