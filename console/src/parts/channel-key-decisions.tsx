// What is decided of a change of a channel's key while it goes on: each says what it does before it is done, of the change as it was when he began to decide.
import { NativeSelect } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { api } from '../api/client.ts';
import { channelKeysKey, type KeyRotation } from '../api/operations-questions.ts';
import { useWords } from '../messages/language.ts';
import { Asking, type InDialog } from './act.tsx';
import { isSecret, nameOfKey, type OfSlot, SecretInput } from './channel-key-acts.tsx';

export type KeyChoice = KeyRotation['choices'][number];

interface Decided extends InDialog {
  readonly choice: KeyChoice;
  readonly rotation: KeyRotation;
  readonly of: OfSlot;
}

const HOUR_MS = 3_600_000;
const HOURS = ['1', '24', '168'] as const;

const PATHS = {
  roll_back: '/api/v1/key-rotations/{id}/roll-back',
  emergency: '/api/v1/key-rotations/{id}/emergency',
} as const;

export function DecideOnKey({ choice, ...decided }: Decided): ReactElement {
  switch (choice) {
    case 'supply':
      return <Supply {...decided} />;
    case 'extend':
      return <Extend {...decided} />;
    case 'finish':
      return <Finish {...decided} />;
    default:
      return <Plain {...decided} choice={choice} />;
  }
}

function useDeed(choice: KeyChoice, of: OfSlot) {
  const t = useWords();
  const verb = t(`channelKeys.${choice}.verb`);
  return { about: channelKeysKey, verb, name: `${verb}: ${nameOfKey(of)}` } as const;
}

const paramsFor = ({ id }: KeyRotation, attemptId: string) => ({
  path: { id },
  header: { 'Idempotency-Key': attemptId },
});

function Supply({ rotation, of, ...asked }: Omit<Decided, 'choice'>) {
  const t = useWords();
  return (
    <Asking
      {...asked}
      deed={{
        ...useDeed('supply', of),
        effect: t('channelKeys.supply.effect'),
        initial: { secret: '' },
        fieldOf: { newKey: 'secret' },
        check: ({ secret }) => ({ secret: isSecret(secret) ? null : t('channelKeys.wrongSecret') }),
        fields: (input) => <SecretInput input={input('secret')} label={t('channelKeys.supply.label')} />,
        send: ({ secret, reason }, attemptId) =>
          api.POST('/api/v1/key-rotations/{id}/key', {
            params: paramsFor(rotation, attemptId),
            body: { newKey: secret.trim(), reason },
          }),
      }}
    />
  );
}

function Extend({ rotation, of, ...asked }: Omit<Decided, 'choice'>) {
  const t = useWords();
  // By the clock of the rotation, which a demo may have moved; and once, since a repetition with another end would be another decision.
  const [endMs] = useState(() => Math.max(Date.parse(rotation.stageEndsAt ?? '') || 0, Date.now()));
  return (
    <Asking
      {...asked}
      deed={{
        ...useDeed('extend', of),
        effect: t('channelKeys.extend.effect'),
        initial: { hours: '24' },
        fields: (input) => (
          <NativeSelect
            {...input('hours')}
            label={t('channelKeys.extend.label')}
            data={HOURS.map((value) => ({ value, label: t(`channelKeys.extend.hours.${value}`) }))}
            data-autofocus
          />
        ),
        send({ hours, reason }, attemptId) {
          const until = new Date(endMs + Number(hours) * HOUR_MS).toISOString();
          return api.POST('/api/v1/key-rotations/{id}/extend', {
            params: paramsFor(rotation, attemptId),
            body: { until, reason, seenStage: rotation.stage },
          });
        },
      }}
    />
  );
}

function Finish({ rotation, of, ...asked }: Omit<Decided, 'choice'>) {
  const t = useWords();
  const isOurs = rotation.stage === 'verifying';
  return (
    <Asking
      {...asked}
      deed={{
        ...useDeed('finish', of),
        effect: isOurs ? t('channelKeys.finish.verified') : t('channelKeys.finish.effect'),
        initial: {},
        send: ({ reason }, attemptId) =>
          api.POST('/api/v1/key-rotations/{id}/finish', {
            params: paramsFor(rotation, attemptId),
            body: { reason, seenStage: rotation.stage },
          }),
      }}
    />
  );
}

interface Plain extends Decided {
  readonly choice: keyof typeof PATHS;
}

function Plain({ choice, rotation, of, ...asked }: Plain) {
  const t = useWords();
  return (
    <Asking
      {...asked}
      deed={{
        ...useDeed(choice, of),
        effect: t(`channelKeys.${choice}.effect`),
        isGrave: true,
        initial: {},
        send: ({ reason }, attemptId) =>
          api.POST(PATHS[choice], { params: paramsFor(rotation, attemptId), body: { reason } }),
      }}
    />
  );
}
