// What is decided of a change of a channel's key while it goes on: each says what it does before it is done.
import { NativeSelect } from '@mantine/core';
import type { ReactElement } from 'react';
import { api } from '../api/client.ts';
import { channelKeysKey, type KeyInventory, type KeyRotation, type KeySlot } from '../api/operations-questions.ts';
import { useWords } from '../messages/language.ts';
import { Act } from './act.tsx';
import { isSecret, nameOfKey, SecretInput } from './channel-key-acts.tsx';

type Choice = KeyRotation['choices'][number];

interface Decided {
  readonly choice: Choice;
  readonly rotation: KeyRotation;
  readonly of: { readonly inventory: KeyInventory; readonly slot: KeySlot };
}

const HOUR_MS = 3_600_000;
const HOURS = ['1', '24', '168'] as const;

const PATHS = {
  finish: '/api/v1/key-rotations/{id}/finish',
  roll_back: '/api/v1/key-rotations/{id}/roll-back',
  emergency: '/api/v1/key-rotations/{id}/emergency',
} as const;

export function DecideOnKey({ choice, ...decided }: Decided): ReactElement {
  if (choice === 'supply') return <Supply {...decided} />;
  if (choice === 'extend') return <Extend {...decided} />;
  return <Plain {...decided} choice={choice} />;
}

function useDeed(choice: Choice, of: Decided['of']) {
  const t = useWords();
  const verb = t(`channelKeys.${choice}.verb`);
  const name = nameOfKey(of);
  const title = t(`channelKeys.${choice}.title`, { name });
  return { about: channelKeysKey, verb, name: `${verb}: ${name}`, title } as const;
}

const paramsFor = ({ id }: KeyRotation, attemptId: string) => ({
  path: { id },
  header: { 'Idempotency-Key': attemptId },
});

function Supply({ rotation, of }: Omit<Decided, 'choice'>) {
  const t = useWords();
  return (
    <Act
      {...useDeed('supply', of)}
      effect={t('channelKeys.supply.effect')}
      initial={{ secret: '' }}
      fieldOf={{ newKey: 'secret' }}
      check={({ secret }) => ({ secret: isSecret(secret) ? null : t('channelKeys.wrongSecret') })}
      fields={(input) => <SecretInput input={input('secret')} label={t('channelKeys.supply.label')} />}
      send={({ secret, reason }, attemptId) =>
        api.POST('/api/v1/key-rotations/{id}/key', {
          params: paramsFor(rotation, attemptId),
          body: { newKey: secret.trim(), reason },
        })
      }
    />
  );
}

function Extend({ rotation, of }: Omit<Decided, 'choice'>) {
  const t = useWords();
  // By the clock of the rotation, which a demo may have moved.
  const endMs = Math.max(Date.parse(rotation.stageEndsAt ?? '') || 0, Date.now());
  return (
    <Act
      {...useDeed('extend', of)}
      effect={t('channelKeys.extend.effect')}
      initial={{ hours: '24' }}
      fields={(input) => (
        <NativeSelect
          {...input('hours')}
          label={t('channelKeys.extend.label')}
          data={HOURS.map((value) => ({ value, label: t(`channelKeys.extend.hours.${value}`) }))}
          data-autofocus
        />
      )}
      send={({ hours, reason }, attemptId) =>
        api.POST('/api/v1/key-rotations/{id}/extend', {
          params: paramsFor(rotation, attemptId),
          body: { until: new Date(endMs + Number(hours) * HOUR_MS).toISOString(), reason },
        })
      }
    />
  );
}

interface PlainDeed extends Decided {
  readonly choice: keyof typeof PATHS;
}

function Plain({ choice, rotation, of }: PlainDeed) {
  const t = useWords();
  const isOurs = choice === 'finish' && rotation.stage === 'verifying';
  return (
    <Act
      {...useDeed(choice, of)}
      effect={isOurs ? t('channelKeys.finish.verified') : t(`channelKeys.${choice}.effect`)}
      isGrave={choice !== 'finish'}
      initial={{}}
      send={({ reason }, attemptId) =>
        api.POST(PATHS[choice], { params: paramsFor(rotation, attemptId), body: { reason } })
      }
    />
  );
}
