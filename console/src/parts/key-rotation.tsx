// Both ends of a rotation that runs: which secret is the old one, until when it works, who still uses it, and what can be done about it.
import { Button, NativeSelect } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { type ApiKey, keysKey } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { Dialog } from './dialog.tsx';
import { Form, useForm } from './form.tsx';
import { type OfKey, OVERLAPS } from './key-roll.tsx';
import { Moment } from './moment.tsx';

type Rotation = NonNullable<ApiKey['rotation']>;

interface OfRotation extends OfKey {
  readonly rotation: Rotation;
}

const HOUR_MS = 3_600_000;

export function KeyRotation({ orgId, apiKey, rotation, mayChange }: OfRotation & { readonly mayChange: boolean }) {
  const t = useWords();
  const of = { orgId, apiKey, rotation };
  const { prefix, lastFour, endsAt, usedAt, usedFrom } = rotation;
  return (
    <div className="key-note">
      <p>
        {t('rotation.old')}{' '}
        <code className="key-shape">
          {prefix}…{lastFour}
        </code>{' '}
        {t('rotation.ends')} <Moment at={endsAt} />
      </p>
      <p>
        {usedAt === null ? (
          t('rotation.unused')
        ) : (
          <strong>
            {t('rotation.used')} <Moment at={usedAt} />
            {usedFrom === null ? null : ` ${t('rotation.from', { address: usedFrom })}`}
          </strong>
        )}
      </p>
      {mayChange ? (
        <div className="key-note-actions">
          <Extend {...of} />
          {apiKey.frozen === null ? <End {...of} verb="takeBack" /> : null}
          <End {...of} verb="end" />
        </div>
      ) : null}
    </div>
  );
}

function Extend({ orgId, apiKey, rotation }: OfRotation) {
  const t = useWords();
  const [isAsking, setAsking] = useState(false);
  const hoursNow = (Date.parse(rotation.endsAt) - Date.parse(rotation.startedAt)) / HOUR_MS;
  const longer = OVERLAPS.filter((hours) => Number(hours) > hoursNow);
  if (longer.length === 0) return null;
  return (
    <>
      <Button
        variant="subtle"
        size="xs"
        aria-label={t('rotation.extend.one', { name: apiKey.name })}
        onClick={() => setAsking(true)}
      >
        {t('rotation.extend.verb')}
      </Button>
      <Dialog opened={isAsking} close={() => setAsking(false)} title={t('rotation.extend.one', { name: apiKey.name })}>
        <ExtendForm orgId={orgId} apiKey={apiKey} longer={longer} done={() => setAsking(false)} />
      </Dialog>
    </>
  );
}

interface ExtendForm extends OfKey {
  readonly longer: readonly (typeof OVERLAPS)[number][];
  done(): void;
}

function ExtendForm({ orgId, apiKey, longer, done }: ExtendForm) {
  const t = useWords();
  const queries = useQueryClient();
  const form = useForm({
    initial: { overlapHours: longer[0] ?? '' },
    check: () => ({}),
    send: ({ overlapHours }) =>
      told(
        api.POST('/api/v1/api-keys/{id}/rotation/extend', {
          params: { path: { id: apiKey.id }, header: { 'If-Match': `"${apiKey.version}"` } },
          body: { overlapHours: Number(overlapHours) },
        }),
      ),
    done: async () => {
      done();
      await queries.invalidateQueries({ queryKey: keysKey(orgId) });
    },
  });
  return (
    <Form form={form} submit={t('rotation.extend.verb')} beside={<Cancel done={done} />}>
      <NativeSelect
        {...form.input('overlapHours')}
        label={t('rotation.extend.label')}
        data={longer.map((value) => ({ value, label: t(`roll.hours.${value}`) }))}
        data-autofocus
      />
    </Form>
  );
}

interface End extends OfRotation {
  readonly verb: 'end' | 'takeBack';
}

function End({ verb, ...of }: End) {
  const t = useWords();
  const [isAsking, setAsking] = useState(false);
  const title = t(`rotation.${verb}.one`, { name: of.apiKey.name });
  return (
    <>
      <Button
        variant="subtle"
        size="xs"
        color={verb === 'end' ? 'red' : 'teal'}
        aria-label={title}
        onClick={() => setAsking(true)}
      >
        {t(`rotation.${verb}.verb`)}
      </Button>
      <Dialog opened={isAsking} close={() => setAsking(false)} title={title}>
        <EndForm {...of} verb={verb} done={() => setAsking(false)} />
      </Dialog>
    </>
  );
}

function EndForm({ orgId, apiKey, verb, done }: End & { done(): void }) {
  const t = useWords();
  const queries = useQueryClient();
  const form = useForm({
    initial: {},
    check: () => ({}),
    send: () =>
      told(
        api.POST('/api/v1/api-keys/{id}/rotation/end', {
          params: { path: { id: apiKey.id }, header: { 'If-Match': `"${apiKey.version}"` } },
          body: { keep: verb === 'end' ? 'new' : 'old' },
        }),
      ),
    done: async () => {
      done();
      await queries.invalidateQueries({ queryKey: keysKey(orgId) });
    },
  });
  return (
    <Form form={form} submit={t(`rotation.${verb}.verb`)} isGrave beside={<Cancel done={done} />}>
      <p>{t(`rotation.${verb}.effect`)}</p>
    </Form>
  );
}

function Cancel({ done }: { done(): void }) {
  const t = useWords();
  return (
    <Button variant="default" onClick={done}>
      {t('keys.cancel')}
    </Button>
  );
}
