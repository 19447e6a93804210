// What a role may do in its organization, so that pages offer nothing that would be refused. The API has the last word.
import type { Me } from './api/answers.ts';

export type Role = Me['memberships'][number]['role'];

export const ROLES: readonly Role[] = ['owner', 'admin', 'billing', 'developer', 'viewer'];

/** Null: he is no member, or not now. Who looks as one of our staff sees what an owner sees, and changes nothing (parts/viewing.tsx). */
export function roleIn(
  { memberships, staffMay }: Pick<Me, 'memberships' | 'staffMay'>,
  orgId: string | null,
): Role | null {
  const own = memberships.find((one) => one.orgId === orgId && one.status === 'active')?.role ?? null;
  return own === null && orgId !== null && staffMay.includes('customer.view') ? 'owner' : own;
}

/** With what is asked for there, or made: a developer sees and makes what is his own. */
export function whose(me: Me, orgId: string): { readonly orgId: string; readonly memberId?: string } {
  return roleIn(me, orgId) === 'developer' ? { orgId, memberId: me.id } : { orgId };
}

export function mayMakeKeys(role: Role | null): boolean {
  return role === 'owner' || role === 'admin' || role === 'developer';
}

/** Whose key was disabled by somebody does not put it back himself. */
export function mayEnableKeys(role: Role | null): boolean {
  return role === 'owner' || role === 'admin';
}

/** From where its keys may be used, and what its sub-accounts may spend. */
export function mayBound(role: Role | null): boolean {
  return role === 'owner' || role === 'admin';
}

export function seesMoney(role: Role | null): boolean {
  return role === 'owner' || role === 'admin' || role === 'billing';
}

export function maySpend(role: Role | null): boolean {
  return role === 'owner' || role === 'billing';
}

/** Whoever says who says who its people are, is its owner; who runs it sees that. */
export function seesSingleSignOn(role: Role | null): boolean {
  return role === 'owner' || role === 'admin';
}

export function mayInvite(role: Role | null): boolean {
  return role === 'owner' || role === 'admin';
}

export function readsAudit(role: Role | null): boolean {
  return role === 'owner' || role === 'admin';
}

/** Only an owner asks another owner in. */
export function rolesToGive(role: Role | null): readonly Role[] {
  return role === 'owner' ? ROLES : ROLES.filter((one) => one !== 'owner');
}
