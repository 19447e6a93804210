// One application, for those who decide on it: what was submitted, what to look at twice, what was said, and the decision, by hand or by keyboard.
import { Anchor, Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { useMe } from '../api/questions.ts';
import { type ApplicationFile, fileQuery, inboxQuery } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { ApplicationFacts, TermsFacts } from '../parts/application-facts.tsx';
import { Asked } from '../parts/asked.tsx';
import { type Asking, type Decided, DecisionDialog, type How } from '../parts/decision-dialog.tsx';
import { DecisionHead, Meanwhile } from '../parts/decision-head.tsx';
import { DecisionList, useMeanwhile } from '../parts/decision-list.tsx';
import { Hints } from '../parts/hints.tsx';
import { useNames } from '../parts/names.ts';
import { useNeighbours } from '../parts/neighbours.ts';
import { failureIn, obstacleIn } from '../parts/obstacle-words.ts';
import { PageHeading } from '../parts/page-heading.tsx';
import { KeySign, Shortcuts } from '../parts/shortcuts.tsx';
import { Thread } from '../parts/thread.tsx';
import { WelcomeAgain } from '../parts/welcome-again.tsx';

/** Until what was decided is carried out. */
const LOOK_AGAIN_MS = 1_000;

export function StaffApplication() {
  const { id } = useParams({ from: '/signed-in/staff/applications/$id' });
  const question = useQuery({
    ...fileQuery(id),
    refetchInterval: ({ state: { data } }) =>
      data !== undefined && (isBeingCarriedOut(data) || isBeingSetUp(data)) ? LOOK_AGAIN_MS : false,
  });
  return (
    <Asked question={question} height={500}>
      {(file) => <File key={file.id} file={file} />}
    </Asked>
  );
}

/** It is decided, and its workflow has not looked yet. */
function isBeingCarriedOut({ level, revision, decisions }: ApplicationFile): boolean {
  return level !== null && decisions.some((made) => made.revision === revision && made.level === level);
}

/** The welcome comes last. */
function isBeingSetUp({ stage, welcome }: ApplicationFile): boolean {
  return stage === 'provisioning' || (stage === 'active' && welcome === null);
}

function File({ file }: { readonly file: ApplicationFile }) {
  const t = useWords();
  const queries = useQueryClient();
  const { id, company, orgName, stage, level, bar } = file;
  const { here, next, open, claims, shortcuts } = useNeighbours(id);
  const [asking, setAsking] = useState<Asking | null>(null);
  const [tried, setTried] = useState<Decided | null>(null);
  const meanwhile = useMeanwhile(file, tried);
  const mayDecide = level !== null && bar === null && !isBeingCarriedOut(file);
  const start = (how: How) => (mayDecide ? setAsking({ how, file }) : false);
  const again = async () => {
    await Promise.all([queries.invalidateQueries(fileQuery(id)), queries.invalidateQueries(inboxQuery)]);
  };
  const decisions = [
    { keys: ['a'], what: t('decide.approve'), press: () => start('approve') },
    { keys: ['m'], what: t('decide.ask'), press: () => start('ask') },
    { keys: ['r'], what: t('decide.reject'), press: () => start('reject') },
  ];
  return (
    <>
      <PageHeading
        title={company}
        lead={orgName === company ? undefined : orgName}
        actions={<Shortcuts shortcuts={[...decisions, ...shortcuts]} />}
      />
      <Meanwhile>{meanwhile ?? claims.late}</Meanwhile>
      <section className="part" aria-labelledby="decision">
        <DecisionHead state={t(`enterprise.stage.${stage}`)} here={here} claims={claims} />
        <Standing file={file} />
        <Hints hints={file.hints} />
        {mayDecide ? <Decide start={start} /> : null}
        {!mayDecide && next !== null ? (
          <div className="form-end">
            <Button variant="default" rightSection={<KeySign name="j" />} onClick={() => void open(next)}>
              {t('file.next')}
            </Button>
          </div>
        ) : null}
      </section>
      <WelcomeAgain file={file} done={again} />
      <Submitted file={file} />
      <DecisionList file={file} />
      <Conversation file={file} done={again} />
      <DecisionDialog
        asking={asking}
        close={() => setAsking(null)}
        done={again}
        late={async (wanted) => {
          setAsking(null);
          await again();
          setTried(wanted);
        }}
      />
    </>
  );
}

function Decide({ start }: { start(how: How): unknown }) {
  const t = useWords();
  return (
    <div className="form-end">
      <Button rightSection={<KeySign name="a" />} onClick={() => start('approve')}>
        {t('decide.approve')}
      </Button>
      <Button variant="default" rightSection={<KeySign name="m" />} onClick={() => start('ask')}>
        {t('decide.ask')}
      </Button>
      <Button variant="subtle" color="red" rightSection={<KeySign name="r" />} onClick={() => start('reject')}>
        {t('decide.reject')}
      </Button>
    </div>
  );
}

/** And what was agreed on it. */
function Submitted({ file: { level, submitted, terms } }: { readonly file: ApplicationFile }) {
  const t = useWords();
  return (
    <>
      {terms === null ? null : (
        <section className="part" aria-labelledby="terms">
          <h2 id="terms">{level === null ? t('enterprise.terms') : t('file.agreedFirst')}</h2>
          <TermsFacts terms={terms} />
        </section>
      )}
      <section className="part" aria-labelledby="form">
        <h2 id="form">{t('file.submitted')}</h2>
        {submitted === null ? (
          <p className="quiet">{t('file.nothingYet')}</p>
        ) : (
          <ApplicationFacts form={submitted} words="handedIn" />
        )}
      </section>
    </>
  );
}

/** Whose turn it is, said before anybody clicks. */
function Standing({ file }: { readonly file: ApplicationFile }) {
  const t = useWords();
  const nameOf = useNames();
  const { temporalUiUrl } = useMe();
  const { level, bar, failure, attention, stage, revision, decisions, workflowId } = file;
  const made = decisions.find((one) => one.revision === revision && one.level === level);
  const first = decisions.find((one) => one.revision === revision && one.level === 1);
  return (
    <div className="form standing" role="status">
      <p>{sentence()}</p>
      {failure === null ? null : <p className="queue-attention">{t('file.undone', { what: failureIn(failure, t) })}</p>}
      {attention === null ? null : <p className="queue-attention">{obstacleIn(attention, t)}</p>}
      {temporalUiUrl === null ? null : (
        <p>
          <Anchor href={`${temporalUiUrl}/${encodeURIComponent(workflowId)}`}>{t('file.workflow')}</Anchor>
        </p>
      )}
    </div>
  );

  function sentence(): string {
    if (made !== undefined) return t(`file.made.${made.kind}`, { name: nameOf(made.actor) });
    if (level === null) return t(`file.now.${stage}`);
    if (bar !== null) return t(`inbox.bar.${bar}`);
    if (level > 1 && first !== undefined) return t('file.second', { name: nameOf(first.actor) });
    return t('file.yours');
  }
}

function Conversation({ file, done }: { readonly file: ApplicationFile; done(): Promise<unknown> }) {
  const t = useWords();
  const nameOf = useNames();
  const { id, stage } = file;
  const said = conversationOf(file).map((one) => ({
    ...one,
    who: one.side === 'staff' ? nameOf(one.actor) : t('file.applicant'),
  }));
  return (
    <Thread
      said={said}
      ownSide="staff"
      mayWrite={stage !== 'rejected' && stage !== 'withdrawn' && stage !== 'expired'}
      write={(body, attemptId) => {
        const params = { path: { id }, header: { 'Idempotency-Key': attemptId } };
        return told(api.POST('/api/v1/applications/{id}/messages', { params, body: { body } }));
      }}
      done={done}
    />
  );
}

/** With what we asked, as the applicant reads it: his answers are to that. */
function conversationOf({ thread, decisions }: ApplicationFile) {
  const asked = decisions.flatMap(({ kind, actor, at, reason }) =>
    kind === 'ask' && reason !== null ? [{ side: 'staff' as const, actor, at, body: reason }] : [],
  );
  return [...thread, ...asked].sort((a, b) => a.at.localeCompare(b.at));
}
