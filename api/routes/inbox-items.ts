// What waits for a person of ours, of whatever kind, in one form: applications, what takes a second person, debts that somebody has to decide on,
// subscriptions and top-ups that do not go on, money that went another way, nights that are not proven, keys that are being changed, backups that failed. There is no
// table of it: what waits is found where it waits (D100).
import { z } from 'zod';
import { isStaffAllowed, type Permission } from '../../domain/authorization.ts';
import type { SignedIn } from '../../services/accounts/sessions.ts';
import { type WaitingBackup, waitingBackups } from '../../services/backups/backup-list.ts';
import { type WaitingKeyRotation, waitingKeyRotations } from '../../services/channel-key-rotation/waiting-rotations.ts';
import { type WaitingCase, waitingCases } from '../../services/dunning/waiting-cases.ts';
import { claimsHeld } from '../../services/inbox/claims.ts';
import { dueSince, ledgerFindings, namesOf, type Unsettled, unsettledMoney } from '../../services/inbox/waiting.ts';
import {
  type WaitingMasterKeyRotation,
  waitingMasterKeyRotation,
} from '../../services/master-keys/waiting-rotations.ts';
import { waitingApplications } from '../../services/onboarding/inbox.ts';
import type { Queryable } from '../../services/platform/postgres.ts';
import {
  channelKeyRotationWorkflowId,
  dunningWorkflowId,
  masterKeyRotationWorkflowId,
  onboardingWorkflowId,
  subscriptionWorkflowId,
  topUpWorkflowId,
} from '../../services/processes/poke.ts';
import { type Proposal, waitingProposals } from '../../services/proposals/proposals.ts';
import { type WaitingSubscription, waitingSubscriptions } from '../../services/subscriptions/waiting-subscriptions.ts';
import { type WaitingTopUp, waitingTopUps } from '../../services/top-ups/waiting-top-ups.ts';
import { backupId } from '../../workflows/contracts/backup.ts';
import { restoreCheckId } from '../../workflows/contracts/restore-check.ts';
import { bar, hints, provisioningAttention } from './application-fields.ts';
import { instant, uuid } from './field-schemas.ts';
import { concerns } from './proposal-choices.ts';
import { orgIdOf } from './proposals.ts';
import type { Call, Route } from './route.ts';

export const itemKind = z.enum([
  'application',
  'proposal',
  'dunning',
  'subscription',
  'top_up',
  'refused_refund',
  'capture_in_question',
  'ledger_finding',
  'channel_key_rotation',
  'master_key_rotation',
  'backup',
  'restore_check',
]);
/** By real time, as people ask each other, and as nights are. */
const IN_REAL_TIME: readonly Item['kind'][] = ['proposal', 'master_key_rotation', 'backup', 'restore_check'];

export const InboxItem = z
  .object({
    kind: itemKind,
    id: z.string(),
    orgId: uuid.nullable(),
    orgName: z.string().nullable(),
    what: z.string().meta({
      description:
        'The company that applies, the route that was asked for, how urgently a debt is to be decided on, what a subscription, a top-up or the change of a key waits for, what was paid for, why it is in question',
    }),
    amountCents: z.int().nullable(),
    since: instant,
    dueAt: instant.meta({ description: 'A business day after it came to us' }),
    isLate: z.boolean(),
    level: z.int().nullable().meta({ description: 'Of an application: whose decision it waits for' }),
    by: z
      .string()
      .nullable()
      .meta({ description: 'Who approved it first, or asked for it: somebody else must decide' }),
    bar: z.union([bar, z.enum(['has_proposed', 'not_done', 'left_undone', 'has_written'])]).meta({
      description:
        'Why whoever asks may not decide on it; not_done: he asked for it, it was approved, and could not be done; left_undone: it was approved, and nobody knows what came of it; has_written: the applicant has, and waits for an answer',
    }),
    attention: provisioningAttention,
    detail: z.string().nullable().meta({
      description:
        'What Stripe says where it refuses to charge; of a capture in question, what was asked for instead; whose key it is; why a backup failed',
    }),
    hints,
    workflowId: z.string().nullable(),
    claim: z
      .object({ by: uuid, at: instant, validUntil: instant })
      .nullable()
      .meta({ description: 'Who has it in hand; whoever may decide may do so all the same' }),
  })
  .meta({ id: 'InboxItem' });
export type Item = z.output<typeof InboxItem>;
type Found = Omit<Item, 'dueAt' | 'isLate' | 'claim'>;

/** Of each kind. */
const MOST = 200;
const PLAIN = { level: null, by: null, bar: null, attention: null, detail: null, hints: [] } as const;

/** As far as he may see to it; what is due first comes first. */
export async function waitingFor(
  { person, actor }: Pick<Call, 'person' | 'actor'>,
  db: Queryable,
  routes: readonly Route[],
  nowMs: number,
): Promise<Item[]> {
  const may = (permission: Permission) => person === null || isStaffAllowed(permission, person.staffRoles);
  const found = [
    ...(may('application.decide') ? await applications(db, actor) : []),
    ...(await proposals(db, person, routes, nowMs)),
    ...(may('dunning.decide') ? (await waitingCases(db)).map(unpaid) : []),
    ...(may('subscription.change') ? (await waitingSubscriptions(db)).map(stuck) : []),
    ...(may('auto_top_up.read') ? (await waitingTopUps(db)).map(notBought) : []),
    ...(may('payment.refund') ? (await unsettledMoney(db)).map(plain) : []),
    ...(may('ledger.verify') ? (await ledgerFindings(db)).map(plain) : []),
    ...(may('channel.change') ? (await waitingKeyRotations(db)).map(keyChange) : []),
    ...(may('master_key.rotate') ? [await waitingMasterKeyRotation(db)].flatMap(masterKeyChange) : []),
    ...(may('backup.take') ? (await waitingBackups(db)).map(notProven) : []),
  ];
  const [due, claimOn] = [await dueSince(db), await claimsHeld(db)];
  const items = found.map((item) => ({
    ...item,
    ...due(item.since, IN_REAL_TIME.includes(item.kind) ? 'real' : 'billing'),
    claim: claimOn(item) ?? null,
  }));
  return items.sort((a, b) => a.dueAt.getTime() - b.dueAt.getTime());
}

async function applications(db: Queryable, actor: string): Promise<Found[]> {
  const waiting = await waitingApplications(db, actor);
  const names = await namesOf(
    db,
    waiting.map(({ application }) => application.orgId),
  );
  return waiting.map(({ application: { id, orgId, state }, submitted, firstBy, isUnanswered, ...shown }) => ({
    ...shown,
    ...{ kind: 'application', id, orgId, orgName: names.get(orgId) ?? null, what: submitted.company, detail: null },
    amountCents: submitted.wantedTerms.creditLineCents,
    level: state.stage.kind === 'in_review' ? state.stage.level : null,
    by: firstBy,
    bar: isUnanswered ? 'has_written' : shown.bar,
    workflowId: onboardingWorkflowId(id),
  }));
}

/** What he may not decide is not his to see to, but for what he asked for himself or another left undone. The admin token decides none. */
async function proposals(
  db: Queryable,
  person: SignedIn | null,
  routes: readonly Route[],
  nowMs: number,
): Promise<Found[]> {
  const waiting = (await waitingProposals(db, MOST)).filter(
    (row) => person === null || concerns(row, person, routes, nowMs),
  );
  const orgIds = waiting.map(orgIdOf);
  const names = await namesOf(
    db,
    orgIds.filter((orgId) => orgId !== null),
  );
  return waiting.map((row, at) => {
    const orgId = orgIds[at] ?? null;
    return {
      ...PLAIN,
      ...{ kind: 'proposal', id: row.id, orgId, orgName: names.get(orgId ?? '') ?? null, what: row.route },
      amountCents: null,
      since: row.decidedAt ?? row.proposedAt,
      by: `person:${row.proposedBy}`,
      bar: barOf(row, person),
      workflowId: null,
    };
  });
}

function barOf({ state, proposedBy, outcome }: Proposal, person: SignedIn | null): Item['bar'] {
  if (state === 'approved') return outcome === null ? 'left_undone' : 'not_done';
  return proposedBy === person?.personId ? 'has_proposed' : null;
}

function unpaid({ invoiceId: id, fault: detail, ...shown }: WaitingCase): Found {
  return { ...PLAIN, ...shown, ...{ kind: 'dunning', id, detail, workflowId: dunningWorkflowId(id) } };
}

function stuck({ subscriptionId: id, fault: detail, ...shown }: WaitingSubscription): Found {
  return { ...PLAIN, ...shown, ...{ kind: 'subscription', id, detail, workflowId: subscriptionWorkflowId(id) } };
}

function notBought({ orgId, fault: detail, ...shown }: WaitingTopUp): Found {
  const workflowId = topUpWorkflowId(orgId);
  return { ...PLAIN, ...shown, ...{ kind: 'top_up', id: orgId, orgId, what: 'charge_faults', detail, workflowId } };
}

/** Of nobody's organization, and about no money. */
const OURS = { ...PLAIN, orgId: null, orgName: null, amountCents: null } as const;

function keyChange({ rotationId: id, slotId, channelName: detail, need: what, since }: WaitingKeyRotation): Found {
  const workflowId = channelKeyRotationWorkflowId(slotId);
  return { ...OURS, kind: 'channel_key_rotation', id, what, detail, since, workflowId };
}

function masterKeyChange(waiting: WaitingMasterKeyRotation | null): Found[] {
  if (waiting === null) return [];
  const { version, ...shown } = waiting;
  const workflowId = masterKeyRotationWorkflowId(version);
  return [{ ...OURS, ...shown, kind: 'master_key_rotation', id: String(version), workflowId }];
}

function notProven({ kind, name: id, trouble: detail, since }: WaitingBackup): Found {
  const workflowId = kind === 'backup' ? backupId(id) : restoreCheckId(id);
  return { ...OURS, kind, id, what: 'failed', detail, since, workflowId };
}

function plain(unsettled: Unsettled): Found {
  return { ...PLAIN, ...unsettled };
}
