// A new key: a name, and whatever it may never pass. Then its secret, the one time that anybody sees it.
import { Button, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { keysKey, type NewApiKey, useMe } from '../api/questions.ts';
import { bodyOf, FIELD_OF, problemsOf, UNBOUNDED } from '../key-bounds.ts';
import { useWords } from '../messages/language.ts';
import { whose } from '../rights.ts';
import { Dialog } from './dialog.tsx';
import { Form, useForm } from './form.tsx';
import { KeyBounds } from './key-bounds.tsx';
import { useOfferedModels } from './offered-models.ts';
import { ShownOnce } from './shown-once.tsx';

interface NewKey {
  readonly orgId: string;
  /** Of the sub-account that it is for; without one it is the organization's. */
  readonly projectId?: string;
  readonly opened: boolean;
  close(): void;
}

export function NewKey({ opened, close, ...place }: NewKey) {
  const t = useWords();
  const [made, setMade] = useState<NewApiKey | null>(null);
  const leave = () => {
    close();
    setMade(null);
  };
  // What is shown once must not vanish by a click beside it.
  const isShown = made !== null;
  return (
    <Dialog opened={opened} close={leave} title={isShown ? t('secret.title') : t('keys.make')} isKept={isShown} isWide>
      {isShown ? (
        <>
          <ShownOnce secret={made.credential} />
          <div className="form-end">
            <Button onClick={leave}>{t('secret.kept')}</Button>
          </div>
        </>
      ) : (
        <KeyForm {...place} made={setMade} cancel={leave} />
      )}
    </Dialog>
  );
}

interface KeyForm extends Pick<NewKey, 'orgId' | 'projectId'> {
  made(apiKey: NewApiKey): void;
  cancel(): void;
}

function KeyForm({ orgId, projectId, made, cancel }: KeyForm) {
  const t = useWords();
  const me = useMe();
  const queries = useQueryClient();
  const { offered, unknownIn } = useOfferedModels(orgId);
  // One for all tries: a key that was made by a try whose answer was lost is not made twice.
  const [attemptId] = useState(() => crypto.randomUUID());
  const form = useForm({
    initial: { name: '', ...UNBOUNDED },
    keptAs: `new-key:${projectId ?? orgId}`,
    fieldOf: FIELD_OF,
    check: (entered) => ({
      ...(entered.name.trim() === '' ? { name: t('fields.keyName') } : {}),
      ...Object.fromEntries(problemsOf(entered).map((field) => [field, t(`fields.${field}`)])),
      ...unknownIn(entered.allowedModels),
    }),
    send: ({ name, ...bounds }) => {
      const params = { header: { 'Idempotency-Key': attemptId } };
      const place = { ...whose(me, orgId), ...(projectId === undefined ? {} : { projectId }) };
      return told(api.POST('/api/v1/api-keys', { params, body: { ...place, name: name.trim(), ...bodyOf(bounds) } }));
    },
    done: async (apiKey) => {
      made(apiKey);
      await queries.invalidateQueries({ queryKey: keysKey(orgId) });
    },
  });
  return (
    <Form
      form={form}
      submit={t('keys.make')}
      beside={
        <Button variant="default" onClick={cancel}>
          {t('keys.cancel')}
        </Button>
      }
    >
      <TextInput
        {...form.input('name')}
        label={t('keys.name')}
        description={t('keys.nameMore')}
        maxLength={200}
        autoComplete="off"
        data-autofocus
      />
      <KeyBounds form={form} offered={offered} />
    </Form>
  );
}
