// What somebody may say of a proposal: decide it, do again what he approved and was left undone, or that he has read that it came to nothing.
import { z } from 'zod';
import { isStaffAllowed } from '../../domain/authorization.ts';
import type { SignedIn } from '../../services/accounts/sessions.ts';
import type { Proposal as ProposalRow } from '../../services/proposals/proposals.ts';
import type { Route } from './route.ts';

export const choice = z.enum(['approved', 'refused', 'withdrawn', 'seen']);
export type Choice = z.output<typeof choice>;

/** The admin token is no person, and decides nothing. */
export function choicesOf(
  row: ProposalRow,
  person: SignedIn | null,
  routes: readonly Route[],
  nowMs: number,
): readonly Choice[] {
  if (person === null) return [];
  if (isLeftUndone(row, person, nowMs)) return ['approved'];
  if (isToBeSeen(row, person, routes, nowMs)) return ['seen'];
  if (row.state !== 'open' || !mightAskFor(row, person, routes)) return [];
  return row.proposedBy === person.personId ? ['withdrawn'] : ['approved', 'refused'];
}

/** Of what waits: what he may decide, and what another left undone, which he reads until nobody can do it any more. */
export function concerns(row: ProposalRow, person: SignedIn, routes: readonly Route[], nowMs: number): boolean {
  const isUndone = row.state === 'approved' && row.outcome === null;
  return choicesOf(row, person, routes, nowMs).length > 0 || (isUndone && mightAskFor(row, person, routes));
}

/** What was done is known by its Idempotency-Key for a day: an hour less, so that nothing is done twice. */
const REPEATABLE_MS = 23 * 3_600_000;

function isRepeatable({ decidedAt }: ProposalRow, nowMs: number): boolean {
  return decidedAt !== null && decidedAt.getTime() > nowMs - REPEATABLE_MS;
}

/** Approved by him, and its process died before it knew what came of it. */
export function isLeftUndone(row: ProposalRow, { personId }: SignedIn, nowMs: number): boolean {
  return row.state === 'approved' && row.decidedBy === personId && row.outcome === null && isRepeatable(row, nowMs);
}

/**
 * Approved and come to nothing, and nobody has read that yet. What was refused when it was to be done is for whoever asked for it; what was left
 * undone and cannot be repeated, for any who might decide (D118).
 */
export function isToBeSeen(row: ProposalRow, person: SignedIn, routes: readonly Route[], nowMs: number): boolean {
  if (row.state !== 'approved' || row.seenBy !== null) return false;
  if (row.outcome === null) return !isRepeatable(row, nowMs) && mightAskFor(row, person, routes);
  return row.outcome.status >= 400 && row.proposedBy === person.personId;
}

function mightAskFor(row: ProposalRow, { staffRoles }: SignedIn, routes: readonly Route[]): boolean {
  const permission = routes.find((route) => nameOf(route) === row.route)?.permission ?? null;
  return permission !== null && isStaffAllowed(permission, staffRoles);
}

export function nameOf({ method, path }: Pick<Route, 'method' | 'path'>): string {
  return `${method} ${path}`;
}
