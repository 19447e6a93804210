// The way to Enterprise: where the application stands, what is to be done about it now, and what was said. Owners write, everybody else reads.
import { Alert, Badge, Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { api, told } from '../api/client.ts';
import { type Application, applicationQuery, applicationsQuery, useMe } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { ApplicationFacts, TermsFacts } from '../parts/application-facts.tsx';
import { ApplicationForm } from '../parts/application-form.tsx';
import { ApplicationTracker } from '../parts/application-tracker.tsx';
import { Asked } from '../parts/asked.tsx';
import { Moment } from '../parts/moment.tsx';
import { NothingYet } from '../parts/nothing-yet.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Thread } from '../parts/thread.tsx';
import { Withdrawal } from '../parts/withdrawal.tsx';

/** Whatever ends by itself within seconds is looked at until it has. */
const LOOK_AGAIN_MS = 2_000;

export function Enterprise() {
  const t = useWords();
  const { orgId } = useParams({ from: '/signed-in/o/$orgId/enterprise' });
  const all = useQuery(applicationsQuery(orgId));
  const isOwner = useMe().memberships.some((one) => one.orgId === orgId && one.role === 'owner');
  return (
    <>
      <PageHeading title={t('enterprise.title')} lead={t('enterprise.lead')} />
      <Asked question={all} height={240}>
        {({ data: [newest] }) =>
          newest === undefined ? (
            <div className="part">
              <NothingYet
                title={t('enterprise.none')}
                action={isOwner ? <Begin orgId={orgId} label={t('enterprise.begin')} form={{}} /> : undefined}
              >
                {isOwner ? t('enterprise.noneMore') : t('enterprise.ownersOnly')}
              </NothingYet>
            </div>
          ) : (
            <One key={newest.id} orgId={orgId} applicationId={newest.id} isOwner={isOwner} />
          )
        }
      </Asked>
    </>
  );
}

interface One {
  readonly orgId: string;
  readonly applicationId: string;
  readonly isOwner: boolean;
}

function One({ orgId, applicationId, isOwner }: One) {
  const question = useQuery({
    ...applicationQuery(orgId, applicationId),
    refetchInterval: ({ state }) => (state.data?.stage === 'provisioning' ? LOOK_AGAIN_MS : false),
  });
  return (
    <Asked question={question} height={400}>
      {(application) => <Standing application={application} isOwner={isOwner} />}
    </Asked>
  );
}

function Standing({ application, isOwner }: { readonly application: Application; readonly isOwner: boolean }) {
  const t = useWords();
  const { orgId, id, stage, revision, terms } = application;
  const isWritten = stage === 'draft' || stage === 'info_requested';
  return (
    <>
      <section className="part" aria-labelledby="standing">
        <h2 id="standing">
          {t('enterprise.standing')} <Badge variant="light">{t(`enterprise.stage.${stage}`)}</Badge>
        </h2>
        <ApplicationTracker stage={stage} />
        <Now application={application} isOwner={isOwner} />
      </section>
      {terms === null ? null : (
        <section className="part" aria-labelledby="terms">
          <h2 id="terms">{t('enterprise.terms')}</h2>
          <TermsFacts terms={terms} />
        </section>
      )}
      <section className="part" aria-labelledby="form">
        <h2 id="form">{isWritten && isOwner ? t('enterprise.form') : t('enterprise.submitted')}</h2>
        {isWritten && isOwner ? (
          <ApplicationForm key={`${id}-${revision}`} application={application} />
        ) : (
          <ApplicationFacts form={application.form} words="application" />
        )}
      </section>
      {revision === 0 ? null : <Conversation application={application} mayWrite={isOwner && !hasEnded(application)} />}
      {isOwner && (isWritten || stage === 'in_review') ? <Withdrawal orgId={orgId} applicationId={id} /> : null}
    </>
  );
}

function hasEnded({ stage }: Pick<Application, 'stage'>): boolean {
  return stage === 'rejected' || stage === 'withdrawn' || stage === 'expired';
}

/** What it means, and the one thing to do about it. */
function Now({ application, isOwner }: { readonly application: Application; readonly isOwner: boolean }) {
  const t = useWords();
  const { orgId, stage, question, answerBy, reason, form } = application;
  return (
    <div className="form standing" role="status">
      <p>{t(`enterprise.now.${stage}`)}</p>
      {question === null ? null : (
        <Alert color="yellow" title={t('enterprise.question')}>
          <p className="said">{question}</p>
          {answerBy === null ? null : (
            <p className="quiet">
              {t('enterprise.answerBy')} <Moment at={answerBy} />
            </p>
          )}
        </Alert>
      )}
      {reason === null ? null : (
        <Alert color="gray" title={t('enterprise.reason')}>
          <p className="said">{reason}</p>
        </Alert>
      )}
      {stage === 'active' ? (
        <div className="form-end">
          <Button renderRoot={(props) => <Link to="/o/$orgId/keys" params={{ orgId }} {...props} />}>
            {t('enterprise.toKeys')}
          </Button>
        </div>
      ) : null}
      {isOwner && hasEnded(application) ? <Begin orgId={orgId} label={t('enterprise.again')} form={form} /> : null}
    </div>
  );
}

/** With what was written before, if anything was. */
function Begin({ orgId, label, form }: Pick<Application, 'orgId' | 'form'> & { readonly label: string }) {
  const queries = useQueryClient();
  const begin = useMutation({
    mutationFn: () =>
      told(api.POST('/api/v1/organizations/{orgId}/applications', { params: { path: { orgId } }, body: { form } })),
    onSettled: () => queries.invalidateQueries(applicationsQuery(orgId)),
  });
  return (
    <>
      <ProblemNote thrown={begin.error} />
      <div className="form-end begin">
        <Button loading={begin.isPending} onClick={() => begin.mutate()}>
          {label}
        </Button>
      </div>
    </>
  );
}

function Conversation({ application, mayWrite }: { readonly application: Application; readonly mayWrite: boolean }) {
  const t = useWords();
  const queries = useQueryClient();
  const { orgId, id: applicationId, thread } = application;
  const path = '/api/v1/organizations/{orgId}/applications/{applicationId}/messages';
  return (
    <Thread
      said={thread.map((one) => ({ ...one, who: one.side === 'staff' ? t('thread.us') : t('thread.applicant') }))}
      ownSide="applicant"
      mayWrite={mayWrite}
      write={(body, attemptId) => {
        const params = { path: { orgId, applicationId }, header: { 'Idempotency-Key': attemptId } };
        return told(api.POST(path, { params, body: { body } }));
      }}
      done={() => queries.invalidateQueries(applicationQuery(orgId, applicationId))}
    />
  );
}
