// What takes two persons. A signed-in person who asks for such a thing is answered 202: his request is kept as it came, and done when another one
// who might have asked for it himself approves. The operator's admin token is no person; it needs no second one, and decides nothing (D97).
import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import { z } from 'zod';
import { isStaffAllowed } from '../../domain/authorization.ts';
import { TollgateError } from '../../domain/errors.ts';
import type { SignedIn } from '../../services/accounts/sessions.ts';
import { writeAudit } from '../../services/audit/audit.ts';
import { staffRolesOf } from '../../services/people/staff-roles.ts';
import { inTransaction, type Queryable } from '../../services/platform/postgres.ts';
import {
  decideProposal,
  keepOutcome,
  listProposals,
  lockedProposal,
  markSeen,
  type ProposalOutcome,
  type Proposal as ProposalRow,
  proposal,
  propose,
} from '../../services/proposals/proposals.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { changeRequestOf, commit } from './change.ts';
import { problemOf } from './error-answers.ts';
import { instant, reason, uuid } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { type Choice, choice, choicesOf, isLeftUndone, isToBeSeen, nameOf } from './proposal-choices.ts';
import { acceptedReply, type Reply, tagsSeen } from './reply.ts';
import { adminChange, adminRead, type Call, none, type Route } from './route.ts';

const state = z.enum(['open', 'approved', 'refused', 'withdrawn', 'expired']);

export const Proposal = z
  .object({
    id: uuid,
    route: z.string(),
    path: z.string(),
    body: z.unknown().meta({ description: 'As it was sent' }),
    why: z.string().meta({ description: 'Why one person is not enough' }),
    state,
    proposedBy: uuid,
    proposedAt: instant,
    validUntil: instant,
    decidedBy: uuid.nullable(),
    decidedAt: instant.nullable(),
    reason: z.string().nullable(),
    orgId: uuid.nullable().meta({ description: 'Whom it concerns, where its path or body names an organization' }),
    choices: z.array(choice).readonly().meta({ description: 'What whoever asks may decide of it now' }),
    seenBy: uuid.nullable().meta({ description: 'Who has read that it was approved and came to nothing' }),
    outcome: z.object({ status: z.int(), body: z.unknown() }).nullable().meta({
      description:
        'What has come of it; null of what is approved: nobody knows yet, whoever approved it approves it again within 23 hours. After that the audit log says, by this id as its request id, whether it was done',
    }),
  })
  .meta({ id: 'Proposal' });

const byId = z.object({ id: uuid });
const proposals = { name: 'proposals', position: uuid, positionOf: ({ id }: { id: string }) => id };

/** Null: one person is enough for what he asks. */
export async function proposed(route: Route, call: Call, app: AppDependencies): Promise<Reply | null> {
  const { person, path, bytes, headers } = call;
  const why = person === null ? null : await route.whyTwoPersons(call, app);
  if (person === null || why === null) return null;
  // What could never be done is not put before anybody.
  if (route.ifMatch === 'required') tagsSeen(headers['if-match'], true);
  const replyWith = (made: ToldProposal) => acceptedReply(Proposal, made, `/api/v1/proposals/${made.id}`);
  // Whoever clicks twice, or is not sure that it arrived, proposes it once.
  const { reply } = await commit(app.db, changeRequestOf(route.method, call), replyWith, async (tx) => {
    const made = await propose(tx, {
      ...{ route: nameOf(route), path, body: bytes.toString('utf8'), why },
      ifMatch: headers['if-match'] ?? null,
      proposedBy: person.personId,
    });
    const audit = { action: 'proposal.made', targetKind: 'proposal', targetId: made.id } as const;
    return { answer: told(made, ['withdrawn']), audit: { ...audit, after: { route: made.route, path, why } } };
  });
  return reply;
}

export function proposalRoutes(routes: () => readonly Route[]): readonly Route[] {
  const toldTo = (person: SignedIn | null, row: ProposalRow, { timeMs }: AppDependencies) =>
    told(row, choicesOf(row, person, routes(), timeMs()));
  return [
    adminRead({
      path: '/api/v1/proposals',
      permission: 'proposal.read',
      summary: 'What takes two persons, newest first',
      params: none,
      query: z.strictObject({ ...pageQuery, state: state.optional() }),
      response: pageOf(Proposal),
      handler: ({ query, person }, app) =>
        onePage(proposals, query, async (after, pageSize) =>
          (await listProposals(app.db, query.state, after, pageSize)).map((row) => toldTo(person, row, app)),
        ),
    }),
    adminRead({
      path: '/api/v1/proposals/{id}',
      permission: 'proposal.read',
      summary: 'What somebody asked for, and what has come of it',
      params: byId,
      query: none,
      response: Proposal,
      handler: async ({ params, person }, app) => toldTo(person, await proposal(app.db, params.id), app),
    }),
    adminChange({
      method: 'post',
      path: '/api/v1/proposals/{id}/decisions',
      permission: 'proposal.decide',
      summary:
        'Approve what another person asked for, which does it; refuse it; withdraw what is your own; or say that you have seen that it came to nothing',
      params: byId,
      reachesOutside: true,
      body: z.strictObject({ decision: choice, reason }),
      response: Proposal,
      handler: async ({ params, body, person, author }, app, change) => {
        const decider = requirePerson(person);
        const { decided, audit } = await inTransaction(app.db, async (tx) => {
          const before = await lockedProposal(tx, params.id);
          const decided = await decide(tx, before, body, decider, routes(), app.timeMs());
          const done = body.decision === 'seen' ? body.decision : decided.state;
          const what = { action: `proposal.${done}`, targetKind: 'proposal', targetId: decided.id } as const;
          return {
            decided,
            audit: await writeAudit(tx, author, { ...what, after: { route: decided.route }, reason: body.reason }),
          };
        });
        if (body.decision !== 'approved') return change(async () => ({ answer: toldTo(person, decided, app), audit }));
        const outcome = await outcomeOf(routeOf(decided, routes()), decided, author.clientAddress ?? '', app);
        return change(async (tx) => ({
          answer: toldTo(person, await keepOutcome(tx, decided.id, outcome), app),
          audit,
        }));
      },
    }),
  ];
}

/** What is approved already and left undone stays so. */
async function decide(
  tx: PoolClient,
  before: ProposalRow,
  { decision, reason: why }: { readonly decision: Choice; readonly reason: string },
  decider: SignedIn,
  routes: readonly Route[],
  nowMs: number,
): Promise<ProposalRow> {
  if (decision === 'seen') {
    if (isToBeSeen(before, decider, routes, nowMs)) return markSeen(tx, before.id, decider.personId);
    throw new TollgateError('conflict', { message: `Proposal ${before.id} has not come to nothing, or not for you.` });
  }
  const route = routeOf(before, routes);
  requireRightToDecide(route, decider);
  const isRepeated = decision === 'approved' && isLeftUndone(before, decider, nowMs);
  const decided = isRepeated ? before : await decideProposal(tx, before, decision, decider.personId, why);
  if (decision === 'approved') await requireProposer(tx, route, decided);
  return decided;
}

/** As its proposer asked and its decider approved. With one Idempotency-Key, so that whoever approves again what was left undone does it once. */
async function outcomeOf(
  route: Route,
  { id, path, body, ifMatch, proposedBy, decidedBy }: ProposalRow,
  clientAddress: string,
  app: AppDependencies,
): Promise<ProposalOutcome> {
  const bytes = Buffer.from(body);
  const call = {
    ...{
      path,
      askedPath: path,
      params: paramsIn(route.path, path),
      query: {},
      body: JSON.parse(body) as unknown,
      bytes,
    },
    bodyDigest: createHash('sha256').update(bytes).digest(),
    headers: { 'idempotency-key': `proposal-${id}`, ...(ifMatch === null ? {} : { 'if-match': ifMatch }) },
    // The audit log finds what was done by what was proposed.
    ...{ requestId: id, clientAddress, actor: `person:${proposedBy}+person:${decidedBy}`, apiKey: null, person: null },
  };
  try {
    const { status, text } = await route.respond(call, app);
    return { status, body: JSON.parse(text) as unknown };
  } catch (error) {
    // Who is away now, or is at it in another process, has it done when it is approved again.
    if (!(error instanceof TollgateError) || error.isWorthRetrying || error.kind.status >= 500) throw error;
    const { status, text } = problemOf(error, id);
    return { status, body: JSON.parse(text) as unknown };
  }
}

const ORGANIZATION = /\/organizations\/([0-9a-f-]{36})(\/|$)/;

/** Null: it is about none, or does not say. */
export function orgIdOf({ path, body }: Pick<ProposalRow, 'path' | 'body'>): string | null {
  const inPath = ORGANIZATION.exec(path)?.[1];
  if (inPath !== undefined) return inPath;
  return OfOrganization.safeParse(JSON.parse(body)).data?.orgId ?? null;
}

const OfOrganization = z.object({ orgId: uuid });

/** @throws TollgateError forbidden */
export function requirePerson(person: SignedIn | null): SignedIn {
  if (person !== null) return person;
  throw new TollgateError('forbidden', {
    message:
      'The admin token is no person, and this takes one: sign in. What the token asks for itself needs no approval.',
  });
}

/** Nobody approves what he might not have asked for. */
function requireRightToDecide({ permission }: Route, { staffRoles }: SignedIn): void {
  if (permission !== null && isStaffAllowed(permission, staffRoles)) return;
  throw new TollgateError('forbidden', {
    message: 'Your staff roles do not allow what was proposed, so you cannot decide it.',
  });
}

/** Who asked is one of the two, so he has to be allowed it still when it is done (D110). @throws TollgateError conflict */
async function requireProposer(tx: Queryable, { permission }: Route, { id, proposedBy }: ProposalRow): Promise<void> {
  if (permission !== null && isStaffAllowed(permission, await staffRolesOf(tx, proposedBy))) return;
  throw new TollgateError('conflict', {
    message: `Person ${proposedBy}, who proposed it, may not ask for it any more: refuse proposal ${id}, and propose it yourself.`,
  });
}

function routeOf(wanted: { readonly route: string }, routes: readonly Route[]): Route {
  const found = routes.find((route) => nameOf(route) === wanted.route);
  if (found !== undefined) return found;
  throw new TollgateError('conflict', { message: `There is no route ${wanted.route} any more: propose it anew.` });
}

function paramsIn(declared: string, path: string): Record<string, string> {
  const values = path.split('/');
  return Object.fromEntries(
    declared
      .split('/')
      .flatMap((part, at) => (part.startsWith('{') ? [[part.slice(1, -1), decodeURIComponent(values[at] ?? '')]] : [])),
  );
}

function told({ ifMatch: _, ...shown }: ProposalRow, choices: readonly Choice[]) {
  return { ...shown, body: JSON.parse(shown.body) as unknown, orgId: orgIdOf(shown), choices };
}

type ToldProposal = ReturnType<typeof told>;
