// What somebody of our staff asked for about this customer, and another one has to approve. Nobody approves his own.
import { Button, Textarea } from '@mantine/core';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { invoicesQuery } from '../api/organization-questions.ts';
import { useMe } from '../api/questions.ts';
import { customerKey, inboxQuery, type Proposal, proposalsQuery, useMay } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { nanoOfCents } from '../money.ts';
import { wordOfRoute } from '../route-words.ts';
import { Dialog } from './dialog.tsx';
import { Form, useForm } from './form.tsx';
import { Moment } from './moment.tsx';
import { Money } from './money.tsx';

type Decision = 'approved' | 'refused' | 'withdrawn';

export function CustomerProposals({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  const may = useMay();
  const proposals = useQuery(proposalsQuery).data?.data ?? [];
  const invoices = useInfiniteQuery({ ...invoicesQuery(orgId), enabled: may('invoice.read') }).data?.pages ?? [];
  const own = [orgId, ...invoices.flatMap(({ data }) => data.map(({ id }) => id))];
  const waiting = proposals.filter((proposal) => own.some((id) => isAbout(proposal, id)));
  if (waiting.length === 0) return null;
  return (
    <section className="part" aria-labelledby="proposals">
      <h2 id="proposals">{t('proposals.title')}</h2>
      <ul className="happenings">
        {waiting.map((proposal) => (
          <Waiting key={proposal.id} orgId={orgId} proposal={proposal} />
        ))}
      </ul>
    </section>
  );
}

/** By its path, or as what it names in its body. */
function isAbout({ path, body }: Proposal, id: string): boolean {
  return path.includes(`/${id}`) || valueIn(body, 'orgId') === id;
}

function valueIn(body: unknown, name: string): string | null {
  const value: unknown = Object(body)[name];
  return typeof value === 'string' ? value : null;
}

/** Null: it is no amount. */
function ofCents(cents: unknown): string | null {
  return typeof cents === 'number' ? nanoOfCents(cents) : null;
}

function Waiting({ orgId, proposal }: { readonly orgId: string; readonly proposal: Proposal }) {
  const t = useWords();
  const isOwn = proposal.proposedBy === useMe().id;
  const may = useMay();
  const amountNano = valueIn(proposal.body, 'amountNano') ?? ofCents(Object(proposal.body).amountCents);
  const reason = valueIn(proposal.body, 'reason') ?? valueIn(proposal.body, 'note');
  const decisions: readonly Decision[] = isOwn ? ['withdrawn'] : ['approved', 'refused'];
  return (
    <li className="happening">
      <div>
        <p className="happening-title">
          {t('proposals.asked', { why: wordOfRoute(proposal.route, t) })}{' '}
          {amountNano === null ? null : <Money nano={amountNano} />}
        </p>
        {reason === null ? null : <p className="quiet">“{reason}”</p>}
        <p className="quiet">
          {isOwn ? t('proposals.own') : t('proposals.other')} <Moment at={proposal.proposedAt} />
        </p>
        {may('proposal.decide') ? (
          <div className="acts">
            {decisions.map((decision) => (
              <Decide key={decision} orgId={orgId} proposal={proposal} decision={decision} />
            ))}
          </div>
        ) : null}
      </div>
    </li>
  );
}

interface Deciding {
  readonly orgId: string;
  readonly proposal: Proposal;
  readonly decision: Decision;
}

function Decide({ orgId, proposal, decision }: Deciding) {
  const t = useWords();
  const [isAsking, setAsking] = useState(false);
  const close = () => setAsking(false);
  return (
    <>
      <Button variant="default" size="xs" onClick={() => setAsking(true)}>
        {t(`proposals.${decision}.verb`)}
      </Button>
      <Dialog opened={isAsking} close={close} title={t(`proposals.${decision}.title`)}>
        <Reason orgId={orgId} proposal={proposal} decision={decision} close={close} />
      </Dialog>
    </>
  );
}

function Reason({ orgId, proposal: { id }, decision, close }: Deciding & { close(): void }) {
  const t = useWords();
  const queries = useQueryClient();
  const form = useForm({
    initial: { reason: '' },
    check: ({ reason }) => ({ reason: reason.trim() === '' ? t('fields.reason') : null }),
    send: ({ reason }) =>
      told(
        api.POST('/api/v1/proposals/{id}/decisions', {
          params: { path: { id } },
          body: { decision, reason: reason.trim() },
        }),
      ),
    done: async () => {
      await Promise.all([
        queries.invalidateQueries({ queryKey: customerKey(orgId) }),
        queries.invalidateQueries(proposalsQuery),
        queries.invalidateQueries(inboxQuery),
      ]);
      close();
    },
  });
  return (
    <Form
      form={form}
      submit={t(`proposals.${decision}.verb`)}
      isGrave={decision === 'refused'}
      beside={
        <Button variant="default" onClick={close}>
          {t('keys.cancel')}
        </Button>
      }
    >
      <Textarea {...form.input('reason')} label={t('keys.reason')} maxLength={500} rows={2} data-autofocus />
    </Form>
  );
}
