// One queue of all that waits for a person of ours: applications, what takes a second person, money that went another way, nights that are not
// proven. Whoever reads it sees what he may see to, and of that what he himself may not decide, and why. It has no table: what waits is found where it waits (D100).
import { z } from 'zod';
import { isStaffAllowed, type Permission } from '../../domain/authorization.ts';
import type { SignedIn } from '../../services/accounts/sessions.ts';
import { dueSince, ledgerFindings, namesOf, type Unsettled, unsettledMoney } from '../../services/inbox/waiting.ts';
import { waitingApplications } from '../../services/onboarding/inbox.ts';
import type { Queryable } from '../../services/platform/postgres.ts';
import { onboardingWorkflowId } from '../../services/processes/poke.ts';
import { type Proposal, waitingProposals } from '../../services/proposals/proposals.ts';
import { bar, hints } from './application-fields.ts';
import { instant, uuid } from './field-schemas.ts';
import { concerns } from './proposal-choices.ts';
import { orgIdOf } from './proposals.ts';
import { adminRead, none, type Route } from './route.ts';

const InboxItem = z
  .object({
    kind: z.enum(['application', 'proposal', 'refused_refund', 'capture_in_question', 'ledger_finding']),
    id: z.string(),
    orgId: uuid.nullable(),
    orgName: z.string().nullable(),
    what: z.string().meta({
      description: 'The company that applies, the route that was asked for, what was paid for, why it is in question',
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
    attention: z.string().nullable().meta({ description: 'What keeps an approved application from being provisioned' }),
    hints,
    workflowId: z.string().nullable(),
  })
  .meta({ id: 'InboxItem' });
type Item = Omit<z.output<typeof InboxItem>, 'dueAt' | 'isLate'>;

/** Of each kind. */
const MOST = 200;
const PLAIN = { level: null, by: null, bar: null, attention: null, hints: [] } as const;

export function inboxRoutes(routes: () => readonly Route[]): readonly Route[] {
  return [
    adminRead({
      path: '/api/v1/inbox',
      permission: 'inbox.read',
      summary: 'All that waits for a person of ours, as far as one may see to it; what is due first comes first',
      params: none,
      query: none,
      response: z.object({ data: z.array(InboxItem).readonly() }),
      handler: async ({ person, actor }, { db, timeMs }) => {
        const may = (permission: Permission) => person === null || isStaffAllowed(permission, person.staffRoles);
        const items = [
          ...(may('application.decide') ? await applications(db, actor) : []),
          ...(await proposals(db, person, routes(), timeMs())),
          ...(may('payment.refund') ? (await unsettledMoney(db)).map(plain) : []),
          ...(may('ledger.verify') ? (await ledgerFindings(db)).map(plain) : []),
        ];
        const due = await dueSince(db);
        const data = items.map((item) => ({ ...item, ...due(item.since) }));
        return { data: data.sort((a, b) => a.dueAt.getTime() - b.dueAt.getTime()) };
      },
    }),
  ];
}

async function applications(db: Queryable, actor: string): Promise<Item[]> {
  const waiting = await waitingApplications(db, actor);
  const names = await namesOf(
    db,
    waiting.map(({ application }) => application.orgId),
  );
  return waiting.map(({ application: { id, orgId, state }, submitted, firstBy, isUnanswered, ...shown }) => ({
    ...shown,
    ...{ kind: 'application', id, orgId, orgName: names.get(orgId) ?? null, what: submitted.company },
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
): Promise<Item[]> {
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

function plain(unsettled: Unsettled): Item {
  return { ...PLAIN, ...unsettled };
}
