// What the organization buys by itself when its credit runs low, and how much at most.
import { Badge, Button, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { type AutoTopUp, autoTopUpQuery } from '../api/organization-questions.ts';
import { spokenTag, useWords } from '../messages/language.ts';
import { centsOf, dollarsOf, exactMoney, nanoOfCents } from '../money.ts';
import { Asked } from './asked.tsx';
import { Form, useForm } from './form.tsx';
import { ProblemNote } from './problem-note.tsx';
import { Saved } from './profile-part.tsx';

interface AutoTopUpPart {
  readonly orgId: string;
  readonly pays: boolean;
}

const FIELDS = ['thresholdCents', 'amountCents', 'dailyCapCents', 'monthlyCapCents'] as const;
type Settings = NonNullable<AutoTopUp['settings']>;

/** To begin with, for whoever has none. */
const USUAL = { thresholdCents: 500, amountCents: 2_000, dailyCapCents: 5_000, monthlyCapCents: 20_000 };

export function AutoTopUpPart({ orgId, pays }: AutoTopUpPart) {
  const t = useWords();
  const question = useQuery(autoTopUpQuery(orgId));
  const isOn = question.data?.settings != null;
  return (
    <section className="part" aria-labelledby="auto-top-up">
      <h2 id="auto-top-up">
        {t('topUp.title')}{' '}
        {question.data === undefined ? null : (
          <Badge variant="light" color={isOn ? 'teal' : 'gray'}>
            {isOn ? t('topUp.on') : t('topUp.off')}
          </Badge>
        )}
      </h2>
      <p className="quiet">{t('topUp.lead')}</p>
      <Asked question={question} height={280}>
        {(topUp) => (pays ? <SettingsForm orgId={orgId} topUp={topUp} /> : <Told settings={topUp.settings} />)}
      </Asked>
    </section>
  );
}

function Told({ settings }: Pick<AutoTopUp, 'settings'>) {
  const t = useWords();
  if (settings === null) return null;
  return (
    <ul className="bounds">
      {FIELDS.map((field) => (
        <li key={field}>
          {t(`topUp.${field}`)}: {exactMoney(nanoOfCents(settings[field]), spokenTag())}
        </li>
      ))}
    </ul>
  );
}

/** Against the version that he has seen, not one that somebody wrote meanwhile. */
function useSwitch(orgId: string, topUp: AutoTopUp) {
  const queries = useQueryClient();
  const [version, setVersion] = useState(topUp.version);
  const change = (settings: Settings | null) =>
    told(
      api.PATCH('/api/v1/organizations/{orgId}/auto-top-up', {
        params: { path: { orgId }, header: { 'If-Match': `"${version}"` } },
        body: { settings },
      }),
    );
  const seen = (saved: AutoTopUp) => {
    setVersion(saved.version);
    return queries.invalidateQueries(autoTopUpQuery(orgId));
  };
  return { change, seen };
}

function SettingsForm({ orgId, topUp }: { readonly orgId: string; readonly topUp: AutoTopUp }) {
  const t = useWords();
  const { change, seen } = useSwitch(orgId, topUp);
  const off = useMutation({ mutationFn: () => change(null), onSuccess: seen });
  const settings = topUp.settings ?? USUAL;
  const shown = (field: keyof Settings) => dollarsOf(nanoOfCents(settings[field]));
  const form = useForm({
    initial: {
      ...{ thresholdCents: shown('thresholdCents'), amountCents: shown('amountCents') },
      ...{ dailyCapCents: shown('dailyCapCents'), monthlyCapCents: shown('monthlyCapCents') },
    },
    check: (entered) =>
      Object.fromEntries(FIELDS.map((field) => [field, centsOf(entered[field]) === null ? t('fields.capDay') : null])),
    send: (entered) => {
      const [thresholdCents = 0, amountCents = 0, dailyCapCents = 0, monthlyCapCents = 0] = FIELDS.map(
        (field) => centsOf(entered[field]) ?? 0,
      );
      return change({ thresholdCents, amountCents, dailyCapCents, monthlyCapCents });
    },
    done: seen,
  });
  return (
    <Form
      form={form}
      submit={topUp.settings === null ? t('topUp.switchOn') : t('profile.save')}
      beside={
        <>
          {topUp.settings === null ? null : (
            <Button variant="default" loading={off.isPending} onClick={() => off.mutate()}>
              {t('topUp.switchOff')}
            </Button>
          )}
          <Saved isSaved={form.isDone} />
        </>
      }
    >
      <ProblemNote thrown={off.error} />
      {topUp.declinesInARow > 0 ? <p>{t('topUp.declined', { count: topUp.declinesInARow })}</p> : null}
      <div className="pairs">
        {FIELDS.map((field) => (
          <TextInput
            key={field}
            {...form.input(field)}
            label={t(`topUp.${field}`)}
            leftSection="$"
            inputMode="decimal"
            autoComplete="off"
          />
        ))}
      </div>
    </Form>
  );
}
