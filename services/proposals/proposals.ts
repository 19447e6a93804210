// Requests that take a second person: kept as they came until somebody else has decided, for a week. Of two who decide at once one is told that
// the other was there before him.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { newId } from '../platform/ids.ts';
import { jsonbText, type Queryable } from '../platform/postgres.ts';

const VALID_FOR = '7 days';

export interface Proposed {
  /** As declared: `post /api/v1/grants`. */
  readonly route: string;
  readonly path: string;
  /** JSON, as it came. */
  readonly body: string;
  readonly ifMatch: string | null;
  /** Why one person is not enough. */
  readonly why: string;
  readonly proposedBy: string;
}

export type ProposalDecision = 'approved' | 'refused' | 'withdrawn';

/** What whoever proposed it would have been answered. */
export interface ProposalOutcome {
  readonly status: number;
  readonly body: unknown;
}

export interface Proposal extends Proposed {
  readonly id: string;
  readonly state: 'open' | 'expired' | ProposalDecision;
  readonly proposedAt: Date;
  readonly validUntil: Date;
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
  readonly reason: string | null;
  /** Null of what is approved: it is being done, or whoever did it died. */
  readonly outcome: ProposalOutcome | null;
  /** Who has read that it was approved and came to nothing; null: nobody has, or it did not. */
  readonly seenBy: string | null;
}

const PROPOSALS = `
  select p.id, p.route, p.path, p.body, p.if_match as "ifMatch", p.why, p.proposed_by as "proposedBy", p.proposed_at as "proposedAt",
         p.valid_until as "validUntil", p.decided_by as "decidedBy", p.decided_at as "decidedAt", p.reason, p.outcome,
         p.seen_by as "seenBy",
         coalesce(p.decision, case when p.valid_until <= clock_timestamp() then 'expired' else 'open' end) as state
    from proposals p`;

export async function propose(tx: PoolClient, proposed: Proposed): Promise<Proposal> {
  const { route, path, body, ifMatch, why, proposedBy } = proposed;
  const id = newId();
  await tx.query(
    `insert into proposals (id, route, path, body, if_match, why, proposed_by, valid_until)
     values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + $8::interval)`,
    [id, route, path, body, ifMatch, why, proposedBy, VALID_FOR],
  );
  return proposal(tx, id);
}

export async function proposal(db: Queryable, id: string): Promise<Proposal> {
  const { rows } = await db.query<Proposal>(`${PROPOSALS} where p.id = $1`, [id]);
  return rows[0] ?? unknown(id);
}

/** Nobody else decides it until the transaction ends. */
export async function lockedProposal(tx: PoolClient, id: string): Promise<Proposal> {
  await tx.query('select from proposals where id = $1 for no key update', [id]);
  return proposal(tx, id);
}

/** Newest first. */
export async function listProposals(
  db: Queryable,
  state: Proposal['state'] | undefined,
  after: string | null,
  pageSize: number,
): Promise<Proposal[]> {
  const { rows } = await db.query<Proposal>(
    `select * from (${PROPOSALS}) q
      where ($1::text is null or q.state = $1)
        and ($2::uuid is null or (q."proposedAt", q.id) < (select a.proposed_at, a.id from proposals a where a.id = $2))
      order by q."proposedAt" desc, q.id desc
      limit $3`,
    [state, after, pageSize],
  );
  return rows;
}

/** Left undone: approved a while ago, and nobody knows what came of it. */
const LEFT_UNDONE_AFTER = '1 minute';

/** What waits for somebody, who has waited longest first: to be decided, or to be read since it was approved and came to nothing. */
export async function waitingProposals(db: Queryable, atMost: number): Promise<Proposal[]> {
  const { rows } = await db.query<Proposal>(
    `${PROPOSALS}
      where (p.decision is null and p.valid_until > clock_timestamp())
         or (p.decision = 'approved' and p.seen_by is null and (
              (p.outcome ->> 'status')::integer >= 400
              or (p.outcome is null and p.decided_at < clock_timestamp() - $1::interval)))
      order by p.proposed_at, p.id limit $2`,
    [LEFT_UNDONE_AFTER, atMost],
  );
  return rows;
}

/**
 * Of a `lockedProposal`. Whoever proposed it can only withdraw it, and nobody else can.
 * @throws TollgateError conflict once it is decided or too old; forbidden for the wrong person
 */
export async function decideProposal(
  tx: PoolClient,
  { id, state, proposedBy, decidedBy }: Proposal,
  decision: ProposalDecision,
  by: string,
  reason: string,
): Promise<Proposal> {
  if (state !== 'open') {
    const who = decidedBy === null ? '' : ` by person ${decidedBy}`;
    throw new TollgateError('conflict', { message: `Proposal ${id} is ${state}${who} already.` });
  }
  if ((by === proposedBy) !== (decision === 'withdrawn')) {
    const message =
      by === proposedBy
        ? 'It takes another person than the one who proposed it; you may withdraw it.'
        : 'Only the person who proposed it withdraws it; refuse it instead.';
    throw new TollgateError('forbidden', { message });
  }
  await tx.query(
    'update proposals set decision = $2, decided_by = $3, decided_at = clock_timestamp(), reason = $4 where id = $1',
    [id, decision, by, reason],
  );
  return proposal(tx, id);
}

/** Of what was approved: as it is known first. */
export async function keepOutcome(tx: PoolClient, id: string, outcome: ProposalOutcome): Promise<Proposal> {
  await tx.query('update proposals set outcome = $2 where id = $1 and outcome is null', [id, jsonbText(outcome)]);
  return proposal(tx, id);
}

/** Of a `lockedProposal` that came to nothing. */
export async function markSeen(tx: PoolClient, id: string, by: string): Promise<Proposal> {
  await tx.query('update proposals set seen_by = $2, seen_at = clock_timestamp() where id = $1 and seen_by is null', [
    id,
    by,
  ]);
  return proposal(tx, id);
}

function unknown(id: string): never {
  throw new TollgateError('not_found', { message: `There is no proposal ${id}.` });
}
