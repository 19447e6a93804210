// In which organization somebody worked last, in this browser: there he goes on.
import type { Me } from './api/answers.ts';

const REMEMBERED = 'tollgate-organization';

export function rememberOrganization(orgId: string): void {
  localStorage.setItem(REMEMBERED, orgId);
}

/** Null: he belongs to none. */
export function rememberedOrganization({ memberships }: Pick<Me, 'memberships'>): string | null {
  const last = localStorage.getItem(REMEMBERED);
  const active = memberships.filter(({ status }) => status === 'active');
  return (active.find(({ orgId }) => orgId === last) ?? active[0])?.orgId ?? null;
}
