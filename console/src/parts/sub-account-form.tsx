// What is decided on a sub-account by its own organization: its name, its budget, and from where its keys work. Its price is agreed on with us.
import { Button, Textarea, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { areRanges, listOf, textOf } from '../address-ranges.ts';
import { api, told } from '../api/client.ts';
import { type Project, projectsQuery } from '../api/organization-questions.ts';
import { capsBody, enteredCaps, wrongCaps } from '../key-bounds.ts';
import { useWords, type Words } from '../messages/language.ts';
import { CapInputs } from './cap-inputs.tsx';
import { Dialog } from './dialog.tsx';
import { Form, type FormState, useForm } from './form.tsx';

interface NewSubAccount {
  readonly orgId: string;
  readonly opened: boolean;
  close(): void;
}

export function NewSubAccount({ orgId, opened, close }: NewSubAccount) {
  const t = useWords();
  return (
    <Dialog opened={opened} close={close} title={t('subAccounts.make')}>
      <MakeForm orgId={orgId} done={close} />
    </Dialog>
  );
}

interface SubAccountChange {
  readonly orgId: string;
  readonly project: Project;
}

export function SubAccountChange(props: SubAccountChange) {
  const t = useWords();
  const [isOpen, setOpen] = useState(false);
  const title = t('subAccounts.changeOne', { name: props.project.name });
  return (
    <>
      <Button variant="subtle" size="xs" aria-label={title} onClick={() => setOpen(true)}>
        {t('team.change.verb')}
      </Button>
      <Dialog opened={isOpen} close={() => setOpen(false)} title={title}>
        <ChangeForm {...props} done={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

const EMPTY = { name: '', ...enteredCaps([]), allowedAddresses: '' };
type Entered = typeof EMPTY;

function MakeForm({ orgId, done }: { readonly orgId: string; done(): void }) {
  const t = useWords();
  const queries = useQueryClient();
  // One for all tries, as with keys.
  const [attemptId] = useState(() => crypto.randomUUID());
  const form = useForm({
    initial: EMPTY,
    keptAs: `sub-account:${orgId}`,
    check: (entered) => problemsOf(entered, t),
    send: (entered) => {
      const params = { header: { 'Idempotency-Key': attemptId } };
      return told(api.POST('/api/v1/projects', { params, body: { orgId, ...bodyOf(entered) } }));
    },
    done: async () => {
      await queries.invalidateQueries(projectsQuery(orgId));
      done();
    },
  });
  return <Fields form={form} submit={t('subAccounts.make')} cancel={done} />;
}

function ChangeForm({ orgId, project, done }: SubAccountChange & { done(): void }) {
  const t = useWords();
  const queries = useQueryClient();
  // Of when it was opened, not what somebody wrote meanwhile.
  const [version] = useState(project.version);
  const form = useForm({
    initial: enteredOf(project),
    check: (entered) => problemsOf(entered, t),
    send: (entered) => {
      const params = { path: { id: project.id }, header: { 'If-Match': `"${version}"` } };
      return told(api.PATCH('/api/v1/projects/{id}', { params, body: bodyOf(entered) }));
    },
    done: async () => {
      await queries.invalidateQueries(projectsQuery(orgId));
      done();
    },
  });
  return <Fields form={form} submit={t('team.change.submit')} cancel={done} />;
}

function enteredOf({ name, caps, allowedAddresses }: Project): Entered {
  return { name, ...enteredCaps(caps), allowedAddresses: textOf(allowedAddresses) };
}

function problemsOf(entered: Entered, t: Words) {
  return {
    name: entered.name.trim() === '' ? t('fields.empty') : null,
    ...Object.fromEntries(wrongCaps(entered).map((field) => [field, t(`fields.${field}`)])),
    allowedAddresses: areRanges(entered.allowedAddresses) ? null : t('fields.allowedAddresses'),
  };
}

function bodyOf(entered: Entered) {
  const { name, allowedAddresses } = entered;
  return { name: name.trim(), caps: capsBody(entered), allowedAddresses: listOf(allowedAddresses) };
}

interface Fields {
  readonly form: FormState<Entered>;
  readonly submit: string;
  cancel(): void;
}

function Fields({ form, submit, cancel }: Fields) {
  const t = useWords();
  return (
    <Form
      form={form}
      submit={submit}
      beside={
        <Button variant="default" onClick={cancel}>
          {t('keys.cancel')}
        </Button>
      }
    >
      <TextInput {...form.input('name')} label={t('keys.name')} maxLength={200} autoComplete="off" data-autofocus />
      <fieldset className="caps-form">
        <legend>{t('bounds.caps')}</legend>
        <CapInputs input={form.input} />
      </fieldset>
      <p className="quiet">{t('subAccounts.capsMore')}</p>
      <Textarea
        {...form.input('allowedAddresses')}
        label={t('bounds.addresses')}
        description={t('bounds.addressesMore')}
        rows={2}
        spellCheck={false}
      />
    </Form>
  );
}
