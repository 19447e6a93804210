// One thing that waits: what it is, for how long, what to look at twice, and whose it is to decide. It leads to its page, or where there is none
// to its workflow.
import { Badge } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useMe } from '../api/questions.ts';
import type { InboxItem } from '../api/staff-questions.ts';
import { useWords, type Words } from '../messages/language.ts';
import { nanoOfCents } from '../money.ts';
import { wordOfRoute } from '../route-words.ts';
import { Claimed } from './claim.tsx';
import { Hints } from './hints.tsx';
import { Moment } from './moment.tsx';
import { Money } from './money.tsx';
import { useNames } from './names.ts';

export function QueueLine({ item }: { readonly item: InboxItem }) {
  const { id, kind, orgId, workflowId } = item;
  const { temporalUiUrl } = useMe();
  const line = <Line item={item} />;
  if (kind === 'application') {
    return (
      <Link to="/staff/applications/$id" params={{ id }} className="queue-line">
        {line}
      </Link>
    );
  }
  if (kind === 'proposal') {
    return (
      <Link to="/staff/proposals/$id" params={{ id }} className="queue-line">
        {line}
      </Link>
    );
  }
  if (kind === 'dunning' && orgId !== null) {
    return (
      <Link to="/staff/customers/$customerId" params={{ customerId: orgId }} className="queue-line">
        {line}
      </Link>
    );
  }
  if (workflowId === null || temporalUiUrl === null) {
    return (
      <div className="queue-line" tabIndex={-1}>
        {line}
      </div>
    );
  }
  return (
    <a href={`${temporalUiUrl}/${encodeURIComponent(workflowId)}`} className="queue-line">
      {line}
    </a>
  );
}

function Line({ item }: { readonly item: InboxItem }) {
  const t = useWords();
  const { kind, orgName, amountCents, level, since, hints, attention } = item;
  return (
    <>
      <span className="queue-what">
        <span className="queue-name">{nameOfItem(item, t)}</span>{' '}
        <Badge variant="light" color="gray">
          {t(`inbox.kind.${kind}`)}
        </Badge>{' '}
        {level !== null && level > 1 ? <Badge variant="light">{t('inbox.second')}</Badge> : null}
      </span>
      <Due item={item} />
      <span className="quiet queue-more">
        {orgName === null || orgName === nameOfItem(item, t) ? null : `${orgName} · `}
        {amountCents === null ? null : (
          <>
            {t(`inbox.amount.${kind}`)} <Money nano={nanoOfCents(amountCents)} /> ·{' '}
          </>
        )}
        {t('inbox.since')} <Moment at={since} />
      </span>
      <Whose item={item} />
      <Reason item={item} />
      <Claimed item={item} />
      {attention === null ? null : <span className="queue-attention">{attention}</span>}
      <Hints hints={hints} />
    </>
  );
}

export function nameOfItem({ kind, what, orgName }: InboxItem, t: Words): string {
  if (kind === 'dunning') return orgName ?? what;
  return kind === 'proposal' ? wordOfRoute(what, t) : what;
}

/** Of a debt: what is asked of us, and how often it was. */
function Reason({ item: { kind, what } }: { readonly item: Pick<InboxItem, 'kind' | 'what'> }) {
  const t = useWords();
  const reason = kind === 'dunning' ? REASONS.find((one) => one === what) : undefined;
  return reason === undefined ? null : <span className="queue-reason">{t(`inbox.reason.${reason}`)}</span>;
}

const REASONS = ['stop_decision_due', 'stop_decision_late', 'stop_decision_very_late', 'charge_faults'] as const;

export function Due({ item: { dueAt, isLate } }: { readonly item: Pick<InboxItem, 'dueAt' | 'isLate'> }) {
  const t = useWords();
  return (
    <span className="queue-due" data-late={isLate}>
      {isLate ? t('inbox.late') : t('inbox.due')} <Moment at={dueAt} />
    </span>
  );
}

/** Said before he opens it: that it is not his to decide, or whom he comes after. */
function Whose({ item: { by, bar } }: { readonly item: InboxItem }) {
  const t = useWords();
  const nameOf = useNames();
  if (bar !== null) return <span className="queue-whose">{t(`inbox.bar.${bar}`)}</span>;
  return by === null ? null : <span className="quiet queue-whose">{t('inbox.by', { name: nameOf(by) })}</span>;
}
