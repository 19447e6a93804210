// A key that was found where others can read it: when and where, what to do, and for whoever runs the organization, by a proof that it is he, to let it go on.
import { Alert, Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { type ApiKey, frozenKeysQuery, keysKey } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { Dialog } from './dialog.tsx';
import { WarningIcon } from './icons.tsx';
import type { OfKey } from './key-roll.tsx';
import { Moment } from './moment.tsx';
import { ProvedForm } from './proved-form.tsx';

type Frozen = NonNullable<ApiKey['frozen']>;

export function KeyFrozen({
  orgId,
  apiKey,
  frozen,
  mayUnfreeze,
}: OfKey & { readonly frozen: Frozen; readonly mayUnfreeze: boolean }) {
  const t = useWords();
  return (
    <div className="key-note">
      <p>
        {t('frozen.what')} <Moment at={frozen.at} />
      </p>
      {frozen.url === null ? null : (
        <p>
          {t('frozen.where')} <code className="key-place">{frozen.url}</code>
        </p>
      )}
      <p>{t('frozen.effect')}</p>
      {mayUnfreeze ? (
        <div className="key-note-actions">
          <Unfreeze orgId={orgId} apiKey={apiKey} />
        </div>
      ) : null}
    </div>
  );
}

function Unfreeze({ orgId, apiKey }: OfKey) {
  const t = useWords();
  const queries = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const { id, name, version } = apiKey;
  return (
    <>
      <Button
        variant="subtle"
        size="xs"
        color="red"
        aria-label={t('frozen.unfreeze.one', { name })}
        onClick={() => setAsking(true)}
      >
        {t('frozen.unfreeze.verb')}
      </Button>
      <Dialog opened={isAsking} close={() => setAsking(false)} title={t('frozen.unfreeze.one', { name })}>
        <ProvedForm
          submit={t('frozen.unfreeze.verb')}
          isGrave
          send={(proof) => {
            const params = { path: { id }, header: { 'If-Match': `"${version}"` } };
            return told(api.POST('/api/v1/api-keys/{id}/unfreeze', { params, body: proof }));
          }}
          done={async () => {
            setAsking(false);
            await queries.invalidateQueries({ queryKey: keysKey(orgId) });
          }}
        >
          <p>{t('frozen.unfreeze.effect')}</p>
        </ProvedForm>
      </Dialog>
    </>
  );
}

/** On every page of the organization, until it has been seen to. */
export function FrozenBanner({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  const [first] = useQuery(frozenKeysQuery(orgId)).data?.data ?? [];
  if (first === undefined) return null;
  return (
    <Alert className="overdue" color="red" icon={<WarningIcon />} title={t('frozen.banner', { name: first.name })}>
      <div className="problem">
        <p>{t('frozen.effect')}</p>
        <Button color="red" renderRoot={(props) => <Link to="/o/$orgId/keys" params={{ orgId }} {...props} />}>
          {t('frozen.see')}
        </Button>
      </div>
    </Alert>
  );
}
