// What can be done about master keys: begin with a newer one, let that stand still or go on, and have one destroyed that nothing needs, which takes two.
import { Anchor, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api/client.ts';
import { type MasterKey, masterKeysKey } from '../api/operations-questions.ts';
import { proposalsQuery, useMay } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { Act } from './act.tsx';

const LARGEST_VERSION = 999_999_999;

export function BeginRotation({ newest }: { readonly newest: number }) {
  const t = useWords();
  const isNewer = (text: string) => /^\d+$/.test(text) && Number(text) > newest && Number(text) <= LARGEST_VERSION;
  return (
    <Act
      about={masterKeysKey}
      verb={t('masterKeys.begin.verb')}
      title={t('masterKeys.begin.title')}
      effect={t('masterKeys.begin.effect')}
      initial={{ version: String(newest + 1) }}
      check={({ version }) => ({ version: isNewer(version.trim()) ? null : t('masterKeys.begin.wrong', { newest }) })}
      fields={(input) => (
        <TextInput
          {...input('version')}
          label={t('masterKeys.begin.version')}
          inputMode="numeric"
          autoComplete="off"
          data-autofocus
        />
      )}
      send={({ version, reason }, attemptId) =>
        api.POST('/api/v1/master-key-rotations', {
          params: { header: { 'Idempotency-Key': attemptId } },
          body: { version: Number(version), reason },
        })
      }
    />
  );
}

const PATHS = {
  pause: '/api/v1/master-key-rotations/{version}/pause',
  resume: '/api/v1/master-key-rotations/{version}/resume',
  cancel: '/api/v1/master-key-rotations/{version}/cancel',
  retryNow: '/api/v1/master-key-rotations/{version}/retry-now',
  dismiss: '/api/v1/master-key-rotations/{version}/dismiss',
} as const;

interface Command {
  readonly command: keyof typeof PATHS;
  readonly version: number;
}

export function CommandRotation({ command, version }: Command) {
  const t = useWords();
  return (
    <Act
      about={masterKeysKey}
      verb={t(`masterKeys.${command}.verb`)}
      title={t(`masterKeys.${command}.title`, { version })}
      effect={t(`masterKeys.${command}.effect`)}
      isGrave={command === 'cancel' || command === 'dismiss'}
      initial={{}}
      send={({ reason }, attemptId) =>
        api.POST(PATHS[command], {
          params: { path: { version }, header: { 'Idempotency-Key': attemptId } },
          body: { reason },
        })
      }
    />
  );
}

/** Only of one that nothing needs: the API refuses any other. */
export function DestroyMasterKey({ masterKey }: { readonly masterKey: MasterKey }) {
  const t = useWords();
  const may = useMay();
  const { version, state, sealedRows, backups } = masterKey;
  const proposals = useQuery({ ...proposalsQuery, enabled: may('proposal.read') }).data?.data ?? [];
  if (state === 'destroyed') return null;
  const asked = proposals.find(({ path }) => path.endsWith(`/master-keys/${version}/destroy`));
  if (asked !== undefined) {
    return (
      <Anchor renderRoot={(props) => <Link to="/staff/proposals/$id" params={{ id: asked.id }} {...props} />}>
        {t('masterKeys.destroy.asked')}
      </Anchor>
    );
  }
  if (!may('master_key.destroy') || state !== 'opening' || sealedRows + backups.length > 0) return null;
  return (
    <Act
      about={masterKeysKey}
      verb={t('masterKeys.destroy.verb')}
      name={t('masterKeys.destroy.one', { version })}
      title={t('masterKeys.destroy.title', { version })}
      effect={t('masterKeys.destroy.effect')}
      two={t('act.two')}
      isGrave
      initial={{}}
      send={({ reason }, attemptId) =>
        api.POST('/api/v1/master-keys/{version}/destroy', {
          params: { path: { version }, header: { 'Idempotency-Key': attemptId } },
          body: { reason },
        })
      }
    />
  );
}
