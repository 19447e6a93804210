// Gives a key another secret, shown this once. For how long the one before works beside it is chosen first; of a key that was found elsewhere it does not.
import { Button, NativeSelect } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { type ApiKey, keysKey, type NewApiKey } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { Dialog } from './dialog.tsx';
import { Form, useForm } from './form.tsx';
import { ShownOnce } from './shown-once.tsx';

export interface OfKey {
  readonly orgId: string;
  readonly apiKey: ApiKey;
}

/** Hours. */
export const OVERLAPS = ['0', '1', '24', '168', '720'] as const;

export function KeyRoll({ orgId, apiKey }: OfKey) {
  const t = useWords();
  const [isOpen, setOpen] = useState(false);
  const [rolled, setRolled] = useState<NewApiKey | null>(null);
  const queries = useQueryClient();
  const { name } = apiKey;
  // Only now: a list that is read anew takes the row and this dialog away with the state that they were opened in.
  const leave = async () => {
    setOpen(false);
    setRolled(null);
    await queries.invalidateQueries({ queryKey: keysKey(orgId) });
  };
  const isShown = rolled !== null;
  return (
    <>
      <Button variant="subtle" size="xs" aria-label={t('roll.one', { name })} onClick={() => setOpen(true)}>
        {t('roll.verb')}
      </Button>
      <Dialog
        opened={isOpen}
        close={() => void leave()}
        title={isShown ? t('secret.title') : t('roll.title', { name })}
        isKept={isShown}
        isWide
      >
        {isShown ? (
          <>
            <ShownOnce secret={rolled.credential} />
            <div className="form-end">
              <Button onClick={() => void leave()}>{t('secret.kept')}</Button>
            </div>
          </>
        ) : (
          <RollForm apiKey={apiKey} rolled={setRolled} cancel={() => setOpen(false)} />
        )}
      </Dialog>
    </>
  );
}

interface RollForm extends Pick<OfKey, 'apiKey'> {
  rolled(apiKey: NewApiKey): void;
  cancel(): void;
}

function RollForm({ apiKey, rolled, cancel }: RollForm) {
  const t = useWords();
  // One for all tries: what was rolled by a try whose answer was lost is not rolled twice.
  const [attemptId] = useState(() => crypto.randomUUID());
  const isFrozen = apiKey.frozen !== null;
  const form = useForm({
    initial: { overlapHours: isFrozen ? '0' : '24' },
    check: () => ({}),
    send: ({ overlapHours }) => {
      const header = { 'If-Match': `"${apiKey.version}"`, 'Idempotency-Key': attemptId };
      const params = { path: { id: apiKey.id }, header };
      return told(api.POST('/api/v1/api-keys/{id}/roll', { params, body: { overlapHours: Number(overlapHours) } }));
    },
    done: rolled,
  });
  return (
    <Form
      form={form}
      submit={t('roll.verb')}
      beside={
        <Button variant="default" onClick={cancel}>
          {t('keys.cancel')}
        </Button>
      }
    >
      <p>{t('roll.effect')}</p>
      {isFrozen ? (
        <p>{t('roll.frozen')}</p>
      ) : (
        <NativeSelect
          {...form.input('overlapHours')}
          label={t('roll.overlap')}
          data={OVERLAPS.map((value) => ({ value, label: t(`roll.hours.${value}`) }))}
          data-autofocus
        />
      )}
    </Form>
  );
}
