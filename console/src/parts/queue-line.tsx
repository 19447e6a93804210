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
import { obstacleIn } from './obstacle-words.ts';

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
  const page = PAGES_OF_OURS.find(([ofKind]) => ofKind === kind)?.[1];
  if (page !== undefined) {
    return (
      <Link to={page} className="queue-line">
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

/** Of what is about no customer. */
const PAGES_OF_OURS = [
  ['channel_key_rotation', '/staff/keys'],
  ['master_key_rotation', '/staff/keys'],
  ['backup', '/staff/backups'],
  ['restore_check', '/staff/backups'],
] as const;

function Line({ item }: { readonly item: InboxItem }) {
  const t = useWords();
  const { kind, orgName, amountCents, level, since, hints } = item;
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
      <Obstacle item={item} />
      <Hints hints={hints} />
    </>
  );
}

export function nameOfItem({ kind, id, what, orgName, detail }: InboxItem, t: Words): string {
  switch (kind) {
    case 'proposal':
      return wordOfRoute(what, t);
    case 'application':
    case 'ledger_finding':
      return what;
    case 'channel_key_rotation':
      return detail ?? what;
    case 'master_key_rotation':
      return t('inbox.masterKey', { version: id });
    case 'backup':
    case 'restore_check':
      return id;
    default:
      return orgName ?? what;
  }
}

/** Of what bears the name of its organization: what is asked of us, or what it is about. */
function Reason({ item: { kind, what } }: { readonly item: Pick<InboxItem, 'kind' | 'what'> }) {
  const t = useWords();
  if (kind === 'application' || kind === 'proposal' || kind === 'ledger_finding') return null;
  const reason = REASONS.find((one) => one === what);
  return reason === undefined ? null : <span className="queue-reason">{t(`inbox.reason.${reason}`)}</span>;
}

const REASONS = [
  ...(['stop_decision_due', 'stop_decision_late', 'stop_decision_very_late', 'charge_faults'] as const),
  ...(['refund_refused', 'pack', 'invoice', 'top_up', 'second_capture'] as const),
  ...(['paid_by_another', 'another_intent', 'another_amount', 'tax_unknown'] as const),
  ...(['new_key', 'revocation', 'sound_provider', 'requests', 'success'] as const),
  ...(['processes_behind', 'does_not_open'] as const),
] as const;

/** What keeps it from going on, and what we were told of it. */
function Obstacle({ item: { attention, kind, detail } }: { readonly item: InboxItem }) {
  const t = useWords();
  if (attention !== null) return <span className="queue-attention">{obstacleIn(attention, t)}</span>;
  if (detail === null || kind === 'channel_key_rotation') return null;
  return <span className="queue-attention">{told(kind, detail, t)}</span>;
}

function told(kind: InboxItem['kind'], detail: string, t: Words): string {
  if (kind === 'capture_in_question') return t('inbox.askedFor', { detail });
  const isOurs = PAGES_OF_OURS.some(([ofKind]) => ofKind === kind);
  return isOurs ? detail : t('inbox.stripeSays', { detail });
}

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
