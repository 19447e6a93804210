// A decision on an application: approve with terms, ask for more, or reject with a reason. It is about what its author has read, and whoever comes
// second is told who was first.
import { Button, Textarea } from '@mantine/core';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { Problem } from '../api/problem.ts';
import type { ApplicationFile, Decision } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { bodyOfTerms, termsEntriesOf, wrongTermsIn } from '../terms-entries.ts';
import { TermsFacts } from './application-facts.tsx';
import { Dialog } from './dialog.tsx';
import { Form, useForm } from './form.tsx';
import { TermsFields } from './terms-fields.tsx';

export type How = Decision['kind'];
export type Decided = Pick<Decision, 'revision' | 'level'>;

/** About what was read when it was begun, whatever becomes known meanwhile. */
export interface Asking {
  readonly how: How;
  readonly file: ApplicationFile;
}

interface DecisionDialog {
  /** Null: nobody is deciding. */
  readonly asking: Asking | null;
  close(): void;
  done(): Promise<void>;
  /** Somebody else was there before. */
  late(wanted: Decided): Promise<void>;
}

export function DecisionDialog({ asking, ...deciding }: DecisionDialog) {
  const t = useWords();
  // What is closed still shows what it was while it fades.
  const [shown, setShown] = useState(asking);
  if (asking !== null && asking !== shown) setShown(asking);
  if (shown === null) return null;
  const { how, file } = shown;
  return (
    <Dialog
      opened={asking !== null}
      close={deciding.close}
      title={t(`decide.title.${how}`, { company: file.company })}
      isWide
    >
      {how === 'approve' && file.level === 1 ? (
        <FirstApproval file={file} {...deciding} />
      ) : (
        <InWords file={file} how={how} {...deciding} />
      )}
    </Dialog>
  );
}

type Deciding = Omit<DecisionDialog, 'asking'> & Pick<Asking, 'file'>;

function FirstApproval({ file, close, done, late }: Deciding) {
  const t = useWords();
  const send = useDecision({ file, close, done, late });
  const form = useForm({
    initial: termsEntriesOf(file),
    keptAs: `terms:${file.id}:${file.revision}`,
    check: (entered) =>
      Object.fromEntries(wrongTermsIn(entered).map(([field, wrong]) => [field, t(`terms.wrong.${wrong}`)])),
    send: (entered) => send('approve', { terms: bodyOfTerms(entered) }),
    done: () => undefined,
  });
  return (
    <Form form={form} submit={t('decide.approve')} beside={<Cancel close={close} />}>
      <TermsFields form={form} />
      <p className="quiet">{t('terms.secondPerson')}</p>
    </Form>
  );
}

function InWords({ file, how, close, done, late }: Deciding & { readonly how: How }) {
  const t = useWords();
  const send = useDecision({ file, close, done, late });
  const isNeeded = how !== 'approve';
  const form = useForm({
    initial: { reason: '' },
    keptAs: `decision:${how}:${file.id}:${file.revision}`,
    check: ({ reason }) => ({ reason: isNeeded && reason.trim() === '' ? t(`decide.needed.${how}`) : null }),
    send: ({ reason }) => send(how, { reason: reason.trim() === '' ? null : reason.trim() }),
    done: () => undefined,
  });
  return (
    <Form form={form} submit={t(`decide.${how}`)} isGrave={how === 'reject'} beside={<Cancel close={close} />}>
      {how === 'approve' && file.terms !== null ? <TermsFacts terms={file.terms} /> : null}
      <Textarea
        {...form.input('reason')}
        label={t(`decide.label.${how}`)}
        description={isNeeded ? t('decide.applicantReads') : t('decide.weRead')}
        rows={4}
        maxLength={2_000}
        data-autofocus
      />
    </Form>
  );
}

function Cancel({ close }: Pick<Deciding, 'close'>) {
  const t = useWords();
  return (
    <Button variant="default" onClick={close}>
      {t('keys.cancel')}
    </Button>
  );
}

function useDecision({ file: { id, revision, level }, close, done, late }: Deciding) {
  const read = { revision, level: level ?? 1 };
  return async (kind: How, said: { terms?: ReturnType<typeof bodyOfTerms>; reason?: string | null }) => {
    try {
      await told(
        api.POST('/api/v1/applications/{id}/decisions', { params: { path: { id } }, body: { ...read, kind, ...said } }),
      );
    } catch (thrown) {
      if (!(thrown instanceof Problem) || thrown.code !== 'conflict') throw thrown;
      await late(read);
      return;
    }
    await done();
    close();
  };
}
