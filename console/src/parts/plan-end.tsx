// A plan is cancelled, to end with what is paid, or the cancellation is taken back before that.
import { Button, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import type { Subscription } from '../api/organization-questions.ts';
import { useWords } from '../messages/language.ts';
import { Dialog } from './dialog.tsx';
import { Form, useForm } from './form.tsx';
import { useDay } from './moment.tsx';

interface PlanEnd {
  readonly orgId: string;
  readonly subscription: Subscription;
}

type Verb = 'cancel' | 'reactivate' | 'resume';

function verbFor({ phase, atPeriodEnd }: Subscription): Verb {
  if (phase === 'paused' || atPeriodEnd === 'pause') return 'resume';
  return atPeriodEnd === 'cancel' ? 'reactivate' : 'cancel';
}

export function PlanEnd({ orgId, subscription }: PlanEnd) {
  const t = useWords();
  const [verb, setVerb] = useState<Verb | null>(null);
  const offered = verbFor(subscription);
  return (
    <>
      <Button
        variant={offered === 'cancel' ? 'subtle' : 'filled'}
        color={offered === 'cancel' ? 'red' : 'teal'}
        onClick={() => setVerb(offered)}
      >
        {t(`plan.${offered}.verb`)}
      </Button>
      <Dialog opened={verb !== null} close={() => setVerb(null)} title={t(`plan.${verb ?? offered}.verb`)}>
        {verb === null ? null : (
          <Confirmation orgId={orgId} subscription={subscription} verb={verb} done={() => setVerb(null)} />
        )}
      </Dialog>
    </>
  );
}

function Confirmation({ orgId, subscription, verb, done }: PlanEnd & { readonly verb: Verb; done(): void }) {
  const t = useWords();
  const day = useDay();
  const queries = useQueryClient();
  const form = useForm({
    initial: { reason: '' },
    check: ({ reason }) => ({ reason: reason.trim() === '' ? t('fields.reason') : null }),
    send: ({ reason }) => {
      const { id, version } = subscription;
      const asked = {
        params: { path: { id }, header: { 'If-Match': `"${version}"` } },
        body: { reason: reason.trim() },
      };
      if (verb === 'cancel') return told(api.POST('/api/v1/subscriptions/{id}/cancel', asked));
      return verb === 'resume'
        ? told(api.POST('/api/v1/subscriptions/{id}/resume', asked))
        : told(api.POST('/api/v1/subscriptions/{id}/reactivate', asked));
    },
    done: async () => {
      await queries.invalidateQueries({ queryKey: ['organization', orgId] });
      done();
    },
  });
  return (
    <Form form={form} submit={t(`plan.${verb}.verb`)} isGrave={verb === 'cancel'}>
      <p>{t(`plan.${verb}.effect`, { date: day(subscription.periodEndsAt) })}</p>
      <TextInput {...form.input('reason')} label={t('keys.reason')} maxLength={500} data-autofocus />
    </Form>
  );
}
