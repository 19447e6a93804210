// The application of an enterprise, as its owner writes it. It is saved while he writes; what keeps it from being handed in is said at its field
// when he tries to. What was asked is answered here as well: the answer goes into the conversation, the form with it.
import { Button, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { api, told } from '../api/client.ts';
import { type Application, applicationQuery, applicationsQuery, useMe } from '../api/questions.ts';
import {
  contactField,
  contactsIn,
  type Entries,
  entriesOf,
  FIELD,
  MOST_CONTACTS,
  RESIDENCIES,
  wrongIn,
} from '../application-entries.ts';
import { DraftSaver } from '../draft-saver.ts';
import { keptEntries } from '../kept-entries.ts';
import { useWords } from '../messages/language.ts';
import { Form, type FormState, useForm } from './form.tsx';
import { ProblemNote } from './problem-note.tsx';

const ANSWER = 'answer';
const NET_DAYS = ['0', '15', '30', '45', '60', '90'];

interface Writing {
  readonly form: FormState<Entries>;
  readonly isSaved: boolean;
  /** Of saving; null: none. */
  readonly problem: unknown;
}

export function ApplicationForm({ application }: { readonly application: Application }) {
  const t = useWords();
  const { stage } = application;
  const { form, isSaved, problem } = useWriting(application);
  return (
    <Form
      form={form}
      submit={stage === 'draft' ? t('enterprise.submit') : t('enterprise.answer')}
      beside={
        <span role="status" className="saved">
          {isSaved ? t('enterprise.saved') : t('enterprise.saving')}
        </span>
      }
    >
      {stage === 'info_requested' ? (
        <Textarea
          {...form.input(ANSWER)}
          label={t('enterprise.yourAnswer')}
          description={t('enterprise.yourAnswerMore')}
          rows={4}
          maxLength={5_000}
        />
      ) : null}
      <Company form={form} />
      <Usage form={form} />
      <WantedTerms form={form} />
      <Contacts form={form} />
      <ProblemNote thrown={form.isPending ? null : problem} />
    </Form>
  );
}

/** What is entered is saved as a draft, and with it handed in. */
function useWriting(application: Application): Writing {
  const t = useWords();
  const { orgId, id: applicationId, version } = application;
  const keptAs = `application ${useMe().id} ${applicationId}`;
  const queries = useQueryClient();
  const [saver] = useState(
    () =>
      new DraftSaver(application, keptAs, (saved) =>
        queries.setQueryData(applicationQuery(orgId, applicationId).queryKey, saved),
      ),
  );
  const attemptIdOf = useAttempts();
  const path = { orgId, applicationId };
  const again = () => queries.invalidateQueries(applicationsQuery(orgId));
  const form = useForm<Entries, unknown>({
    initial: keptEntries(keptAs, version) ?? { ...entriesOf(application.form), [ANSWER]: '' },
    check: (entered) =>
      Object.fromEntries(
        [...wrongIn(entered)].map(([field, wrong]) => [
          field,
          wrong === 'empty' ? t('fields.empty') : t(`application.wrong.${wrong}`),
        ]),
      ),
    send: async (entered) => {
      await saver.save();
      const answer = entered[ANSWER]?.trim() ?? '';
      if (answer !== '') {
        const params = { path, header: { 'Idempotency-Key': attemptIdOf(answer) } };
        await told(
          api.POST('/api/v1/organizations/{orgId}/applications/{applicationId}/messages', {
            params,
            body: { body: answer },
          }),
        );
      }
      return told(
        api.POST('/api/v1/organizations/{orgId}/applications/{applicationId}/submit', { params: { path }, body: {} }),
      );
    },
    done: async () => {
      saver.forget();
      await again();
    },
  });
  useEffect(() => saver.entered(form.values), [saver, form.values]);
  const { isSaved, problem } = useSyncExternalStore(saver.subscribe, saver.standing);
  return { form, isSaved, problem };
}

/** An answer that was sent is not sent twice, whatever came of handing in; one that was written anew is another message. */
function useAttempts(): (answer: string) => string {
  const last = useRef({ answer: '', attemptId: '' });
  return (answer) => {
    if (answer !== last.current.answer) last.current = { answer, attemptId: crypto.randomUUID() };
    return last.current.attemptId;
  };
}

interface Part {
  readonly form: FormState<Entries>;
}

function Company({ form }: Part) {
  const t = useWords();
  const residencies = RESIDENCIES.map((value) => ({ value, label: t(`application.residencies.${value}`) }));
  return (
    <fieldset className="entry-group">
      <legend>{t('application.aboutCompany')}</legend>
      <TextInput
        {...form.input(FIELD.company)}
        label={t('application.company')}
        autoComplete="organization"
        maxLength={200}
      />
      <TextInput
        {...form.input(FIELD.domain)}
        label={t('application.domain')}
        description={t('application.domainMore')}
        autoComplete="off"
        inputMode="url"
        maxLength={253}
      />
      <NativeSelect
        {...form.input(FIELD.residency)}
        label={t('application.residency')}
        data={[{ value: '', label: t('application.choose') }, ...residencies]}
      />
    </fieldset>
  );
}

function Usage({ form }: Part) {
  const t = useWords();
  return (
    <fieldset className="entry-group">
      <legend>{t('application.aboutUse')}</legend>
      <Textarea
        {...form.input(FIELD.useCase)}
        label={t('application.useCase')}
        description={t('application.useCaseMore')}
        rows={4}
        maxLength={5_000}
      />
      <Dollars form={form} field={FIELD.volume} label={t('application.volume')} more={t('application.volumeMore')} />
    </fieldset>
  );
}

function WantedTerms({ form }: Part) {
  const t = useWords();
  const chosen = form.values[FIELD.netDays] ?? '';
  const days = [...new Set([...NET_DAYS, chosen])].map((value) => ({
    value,
    label: t('application.days', { count: Number(value) }),
  }));
  return (
    <fieldset className="entry-group">
      <legend>{t('application.aboutTerms')}</legend>
      <Dollars
        form={form}
        field={FIELD.creditLine}
        label={t('application.creditLine')}
        more={t('application.creditLineMore')}
      />
      <NativeSelect {...form.input(FIELD.netDays)} label={t('application.netDays')} data={days} />
      <Textarea {...form.input(FIELD.note)} label={t('application.noteOptional')} rows={2} maxLength={2_000} />
    </fieldset>
  );
}

function Dollars({ form, field, label, more }: Part & Record<'field' | 'label' | 'more', string>) {
  return (
    <TextInput
      {...form.input(field)}
      label={label}
      description={more}
      leftSection="$"
      inputMode="decimal"
      autoComplete="off"
    />
  );
}

/** As many as are entered, and one more for whoever asks for it. */
function Contacts({ form }: Part) {
  const t = useWords();
  const last = contactsIn(form.values).at(-1)?.at ?? 0;
  const [asked, setAsked] = useState(0);
  const shown = Math.max(last, asked) + 1;
  return (
    <fieldset className="entry-group">
      <legend>{t('application.contacts')}</legend>
      <p className="quiet">{t('application.contactsMore')}</p>
      {Array.from({ length: shown }, (_, at) => contactField(at, 'name')).map((field, at) => (
        <div key={field} className="contact">
          <TextInput {...form.input(field)} label={t('application.contactName', { number: at + 1 })} maxLength={200} />
          <TextInput
            {...form.input(contactField(at, 'email'))}
            label={t('application.contactEmail', { number: at + 1 })}
            type="email"
            maxLength={254}
          />
        </div>
      ))}
      {shown < MOST_CONTACTS ? (
        <div>
          <Button variant="default" size="xs" onClick={() => setAsked(shown)}>
            {t('application.addContact')}
          </Button>
        </div>
      ) : null}
    </fieldset>
  );
}
