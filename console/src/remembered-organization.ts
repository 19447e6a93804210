// In which organization somebody worked last, in this browser: there he goes on.
import type { Me } from './api/answers.ts';

const REMEMBERED = 'tollgate-organization';

export function rememberOrganization(orgId: string): void {
  localStorage.setItem(REMEMBERED, orgId);
}

/** Rather one that his session reaches. Null: he belongs to none. */
export function rememberedOrganization({ memberships }: Pick<Me, 'memberships'>): string | null {
  const last = localStorage.getItem(REMEMBERED);
  const active = memberships.filter(({ status }) => status === 'active');
  const reached = active.filter(({ barrier }) => barrier === null);
  const open = reached.length > 0 ? reached : active;
  return (open.find(({ orgId }) => orgId === last) ?? open[0])?.orgId ?? null;
}
