// What somebody of us asked for and another must approve: what it is, whom it concerns, what came of it.
import { Badge, Button, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { organizationQuery } from '../api/organization-questions.ts';
import { Problem } from '../api/problem.ts';
import {
  customerKey,
  inboxQuery,
  type Proposal,
  personQuery,
  proposalQuery,
  proposalsQuery,
  useMay,
} from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from '../parts/asked.tsx';
import { DecisionHead, Meanwhile } from '../parts/decision-head.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Form, useForm } from '../parts/form.tsx';
import { Moment } from '../parts/moment.tsx';
import { useNames } from '../parts/names.ts';
import { useNeighbours } from '../parts/neighbours.ts';
import { PageHeading } from '../parts/page-heading.tsx';
import { RawFacts } from '../parts/raw-facts.tsx';
import { KeySign, Shortcuts } from '../parts/shortcuts.tsx';
import { wordOfReason, wordOfRoute } from '../route-words.ts';

type Choice = Proposal['choices'][number];

export function StaffProposal() {
  const { id } = useParams({ from: '/signed-in/staff/proposals/$id' });
  const question = useQuery(proposalQuery(id));
  return (
    <Asked question={question} height={400}>
      {(proposal) => <One key={proposal.id} proposal={proposal} />}
    </Asked>
  );
}

const KEYS: { readonly [C in Choice]: string } = { approved: 'a', refused: 'r', withdrawn: 'w', seen: 's' };
const CHOICES: readonly Choice[] = ['approved', 'refused', 'withdrawn', 'seen'];

function One({ proposal }: { readonly proposal: Proposal }) {
  const t = useWords();
  const { id, route, state, choices, orgId } = proposal;
  const { here, next, open, claims, shortcuts } = useNeighbours(id);
  const organization = useQuery({ ...organizationQuery(orgId ?? ''), enabled: orgId !== null });
  const person = usePersonOf(proposal);
  const [asking, setAsking] = useState<Choice | null>(null);
  const [isLate, setLate] = useState(false);
  const start = (choice: Choice) => (choices.includes(choice) ? setAsking(choice) : false);
  const decisions = CHOICES.map((choice) => ({
    keys: [KEYS[choice]],
    what: t(`proposal.verb.${choice}`),
    press: () => start(choice),
  }));
  const what = wordOfRoute(route, t);
  const late = state === 'open' ? t('proposal.proposerGone') : t('proposal.meanwhile');
  return (
    <>
      <PageHeading
        title={what}
        lead={organization.data?.name ?? person}
        actions={<Shortcuts shortcuts={[...decisions, ...shortcuts]} />}
      />
      <Meanwhile>{isLate ? late : claims.late}</Meanwhile>
      <section className="part" aria-labelledby="decision">
        <DecisionHead state={t(`proposal.state.${state}`)} here={here} claims={claims} />
        <Standing proposal={proposal} />
        <div className="form-end">
          {CHOICES.filter((choice) => choices.includes(choice)).map((choice) => (
            <Verb key={choice} choice={choice} start={start} />
          ))}
          {choices.length === 0 && next !== null ? (
            <Button variant="default" onClick={() => void open(next)}>
              {t('file.next')}
            </Button>
          ) : null}
        </div>
      </section>
      <section className="part" aria-labelledby="wanted">
        <h2 id="wanted">{t('proposal.wanted')}</h2>
        <RawFacts of={{ [t('proposal.route')]: requestLine(proposal), ...facts(proposal.body) }} />
      </section>
      <Outcome outcome={proposal.outcome} />
      <Dialog
        opened={asking !== null}
        close={() => setAsking(null)}
        title={t(`proposal.title.${asking ?? 'approved'}`, { what })}
      >
        <Deciding
          proposal={proposal}
          choice={asking ?? 'approved'}
          close={() => setAsking(null)}
          late={() => setLate(true)}
        />
      </Dialog>
    </>
  );
}

/** Whom it concerns, as far as the reader may know. */
function usePersonOf({ path }: Proposal): string | undefined {
  const may = useMay();
  const [, id] = /^\/api\/v1\/persons\/([\w-]+)/.exec(path) ?? [];
  const { data } = useQuery({ ...personQuery(id ?? ''), enabled: id !== undefined && may('person.read') });
  return data === undefined ? undefined : `${data.name} · ${data.email}`;
}

function Verb({ choice, start }: { readonly choice: Choice; start(choice: Choice): unknown }) {
  const t = useWords();
  const isApproval = choice === 'approved';
  return (
    <Button
      variant={isApproval ? 'filled' : 'default'}
      color={isApproval ? 'teal' : 'red'}
      rightSection={<KeySign name={KEYS[choice]} />}
      onClick={() => start(choice)}
    >
      {t(`proposal.verb.${choice}`)}
    </Button>
  );
}

function facts(body: unknown): Readonly<Record<string, unknown>> {
  return typeof body === 'object' && body !== null ? { ...body } : {};
}

function requestLine({ route, path }: Proposal): string {
  return `${route.split(' ')[0]?.toUpperCase()} ${path}`;
}

/** Whose turn it is, and why it takes two. */
function Standing({ proposal }: { readonly proposal: Proposal }) {
  const t = useWords();
  const nameOf = useNames();
  const { id, state, choices, proposedBy, proposedAt, validUntil, decidedBy, seenBy, reason, why, outcome } = proposal;
  return (
    <div className="form standing" role="status">
      <p>
        {t('proposal.by', { name: nameOf(proposedBy) })} · <Moment at={proposedAt} />
      </p>
      <p>{t('proposal.why', { why: wordOfReason(why, t) })}</p>
      {state === 'open' ? (
        <p>
          {turn()} {t('proposal.validUntil')} <Moment at={validUntil} />
        </p>
      ) : null}
      {decidedBy === null ? null : (
        <p>{t(`proposal.past.${isDecided(state) ? state : 'approved'}`, { name: nameOf(decidedBy) })}</p>
      )}
      {reason === null ? null : <p className="said quiet">{reason}</p>}
      {state === 'approved' && outcome === null && seenBy === null ? (
        <p className="queue-attention">
          {choices.includes('seen') ? t('proposal.lost', { id }) : t('proposal.undone')}
        </p>
      ) : null}
      {outcome !== null && choices.includes('seen') ? <p className="queue-attention">{t('proposal.notDone')}</p> : null}
      {seenBy === null ? null : <p>{t('proposal.past.seen', { name: nameOf(seenBy) })}</p>}
    </div>
  );

  function turn(): string {
    if (choices.includes('withdrawn')) return t('inbox.bar.has_proposed');
    return choices.length === 0 ? t('proposal.notYours') : t('proposal.yours');
  }
}

function isDecided(state: Proposal['state']): state is Exclude<Choice, 'seen'> {
  return state === 'approved' || state === 'refused' || state === 'withdrawn';
}

function Outcome({ outcome }: Pick<Proposal, 'outcome'>) {
  const t = useWords();
  if (outcome === null) return null;
  const isDone = outcome.status < 300;
  return (
    <section className="part" aria-labelledby="outcome">
      <h2 id="outcome">
        {t('proposal.outcome')}{' '}
        <Badge variant="light" color={isDone ? 'teal' : 'red'}>
          {isDone ? t('proposal.done') : t('proposal.failed')}
        </Badge>
      </h2>
      <RawFacts of={facts(outcome.body)} />
    </section>
  );
}

interface Deciding {
  readonly proposal: Proposal;
  readonly choice: Choice;
  close(): void;
  late(): void;
}

function Deciding({ proposal: { id, orgId }, choice, close, late }: Deciding) {
  const t = useWords();
  const queries = useQueryClient();
  const [attemptId] = useState(() => crypto.randomUUID());
  const again = () =>
    Promise.all([
      queries.invalidateQueries(proposalQuery(id)),
      queries.invalidateQueries(inboxQuery),
      queries.invalidateQueries(proposalsQuery),
      orgId === null ? null : queries.invalidateQueries({ queryKey: customerKey(orgId) }),
    ]);
  const form = useForm({
    initial: { reason: '' },
    check: ({ reason }) => ({ reason: reason.trim() === '' ? t('fields.reason') : null }),
    send: async ({ reason }) => {
      const params = { path: { id }, header: { 'Idempotency-Key': attemptId } };
      const body = { decision: choice, reason: reason.trim() };
      try {
        await told(api.POST('/api/v1/proposals/{id}/decisions', { params, body }));
      } catch (thrown) {
        if (!(thrown instanceof Problem) || thrown.code !== 'conflict') throw thrown;
        late();
      }
      await again();
      close();
    },
    done: () => undefined,
  });
  return (
    <Form
      form={form}
      submit={t(`proposal.verb.${choice}`)}
      isGrave={choice === 'refused' || choice === 'withdrawn'}
      beside={
        <Button variant="default" onClick={close}>
          {t('keys.cancel')}
        </Button>
      }
    >
      <TextInput
        {...form.input('reason')}
        label={t('keys.reason')}
        description={t('decide.weRead')}
        maxLength={500}
        data-autofocus
      />
    </Form>
  );
}
