// Something that our staff does, for a customer or for what we run: what it brings about is said before, why it is done is kept in the audit log, and
// what takes a second person says so before and waits for him afterwards.
import { Alert, Button, Textarea } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { told } from '../api/client.ts';
import { inboxQuery, proposalsQuery } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { Meanwhile } from './decision-head.tsx';
import { Dialog } from './dialog.tsx';
import { type FieldInput, Form, useForm } from './form.tsx';

type Answer = Parameters<typeof told>[0];
type Entered = Readonly<Record<string, string>>;

interface Verb {
  readonly verb: string;
  /** For whom several stand on a page. */
  readonly name?: string;
}

interface Deed<V extends Entered> extends Verb {
  /** Under which the cache has what it changes. */
  readonly about: readonly string[];
  readonly effect: string;
  readonly isGrave?: boolean;
  /** When it takes a second person; null: one is enough. */
  readonly two?: string;
  readonly initial: V;
  /** Where the API calls a field otherwise than the form. */
  readonly fieldOf?: Readonly<Record<string, keyof V & string>>;
  check?(values: V): { readonly [F in keyof V]?: string | null };
  fields?(input: (field: keyof V & string) => FieldInput): ReactNode;
  /** With the id by which a repetition is known. */
  send(values: V & { readonly reason: string }, attemptId: string): Answer;
}

export function Act<V extends Entered>({ title, ...deed }: Deed<V> & { readonly title: string }) {
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <ActButton verb={deed.verb} name={deed.name ?? deed.verb} ask={() => setAsking(true)} />
      <Dialog opened={isAsking} close={() => setAsking(false)} title={title}>
        <Asking deed={deed} meanwhile={null} close={() => setAsking(false)} />
      </Dialog>
    </>
  );
}

export function ActButton({ verb, name, ask }: Required<Verb> & { ask(): void }) {
  return (
    <Button variant="default" size="xs" {...(name === verb ? {} : { 'aria-label': name })} onClick={ask}>
      {verb}
    </Button>
  );
}

export interface InDialog {
  /** What has become of it since it was begun; null: nothing. */
  readonly meanwhile: string | null;
  close(): void;
}

/** In a dialog, which its parent keeps open where the button may go meanwhile. */
export function Asking<V extends Entered>({ deed, meanwhile, close }: InDialog & { readonly deed: Deed<V> }) {
  const t = useWords();
  const queries = useQueryClient();
  const [attemptId] = useState(() => crypto.randomUUID());
  const [isProposed, setProposed] = useState(false);
  const form = useForm({
    initial: { ...deed.initial, reason: '' },
    keptAs: `act:${deed.name ?? deed.verb}:${deed.about.join(':')}`,
    ...(deed.fieldOf === undefined ? {} : { fieldOf: deed.fieldOf }),
    check: (values) => ({
      ...deed.check?.(values),
      reason: values.reason.trim() === '' ? t('fields.reason') : null,
    }),
    async send(values) {
      const asked = deed.send({ ...values, reason: values.reason.trim() }, attemptId);
      await told(asked);
      return (await asked).response.status === 202;
    },
    async done(waits) {
      await Promise.all([
        queries.invalidateQueries({ queryKey: deed.about }),
        queries.invalidateQueries(proposalsQuery),
        queries.invalidateQueries(inboxQuery),
      ]);
      if (waits) setProposed(true);
      else close();
    },
  });
  if (isProposed) return <Waits says={t('act.proposed')} close={close} />;
  return (
    <Form
      form={form}
      submit={deed.verb}
      isGrave={deed.isGrave ?? false}
      beside={
        <Button variant="default" onClick={close}>
          {t('keys.cancel')}
        </Button>
      }
    >
      {/* While it is sent, what has changed is his own doing. */}
      <Meanwhile>{form.isPending ? null : meanwhile}</Meanwhile>
      <p>{deed.effect}</p>
      {deed.two === undefined ? null : (
        <Alert color="yellow" role="note">
          {deed.two}
        </Alert>
      )}
      {deed.fields?.((field) => form.input(field))}
      <Textarea
        {...form.input('reason')}
        label={t('keys.reason')}
        maxLength={500}
        rows={2}
        {...(deed.fields === undefined ? { 'data-autofocus': true } : {})}
      />
    </Form>
  );
}

interface Waits {
  /** Where it waits, and for whom. */
  readonly says: string;
  close(): void;
}

/** What was asked for waits for a second person. */
export function Waits({ says, close }: Waits) {
  const t = useWords();
  return (
    <div className="form">
      <Alert color="teal" role="status">
        {says}
      </Alert>
      <div className="form-end">
        <Button onClick={close} data-autofocus>
          {t('keys.close')}
        </Button>
      </div>
    </div>
  );
}
