// What somebody of our staff asked for about this customer, and another one has to approve: on the proposal's own page, which says what came of it.
import { Anchor } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { invoicesQuery, projectsQuery } from '../api/organization-questions.ts';
import { useMe } from '../api/questions.ts';
import { type Proposal, proposalsQuery, useMay } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { nanoOfCents } from '../money.ts';
import { wordOfRoute } from '../route-words.ts';
import { Moment } from './moment.tsx';
import { Money } from './money.tsx';

export function CustomerProposals({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  const may = useMay();
  const proposals = useQuery(proposalsQuery).data?.data ?? [];
  const invoices = useInfiniteQuery({ ...invoicesQuery(orgId), enabled: may('invoice.read') }).data?.pages ?? [];
  const projects = useQuery({ ...projectsQuery(orgId), enabled: may('project.read') }).data?.data ?? [];
  const own = [orgId, ...[...invoices.flatMap(({ data }) => data), ...projects].map(({ id }) => id)];
  const waiting = proposals.filter((proposal) => own.some((id) => isAbout(proposal, id)));
  if (waiting.length === 0) return null;
  return (
    <section className="part" aria-labelledby="proposals">
      <h2 id="proposals">{t('proposals.title')}</h2>
      <ul className="happenings">
        {waiting.map((proposal) => (
          <Waiting key={proposal.id} proposal={proposal} />
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

function Waiting({ proposal }: { readonly proposal: Proposal }) {
  const t = useWords();
  const isOwn = proposal.proposedBy === useMe().id;
  const amountNano = valueIn(proposal.body, 'amountNano') ?? ofCents(Object(proposal.body).amountCents);
  const reason = valueIn(proposal.body, 'reason') ?? valueIn(proposal.body, 'note');
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
        <Anchor renderRoot={(props) => <Link to="/staff/proposals/$id" params={{ id: proposal.id }} {...props} />}>
          {t('proposals.open')}
        </Anchor>
      </div>
    </li>
  );
}
