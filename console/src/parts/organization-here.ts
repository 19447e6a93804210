// In which organization somebody is: that of the address, or on pages that belong to none, the last one.
import { useParams } from '@tanstack/react-router';
import { useMe } from '../api/questions.ts';
import { rememberedOrganization } from '../remembered-organization.ts';

/** Null: he belongs to none. */
export function useOrganizationHere(): string | null {
  const me = useMe();
  const { orgId } = useParams({ strict: false });
  return orgId ?? rememberedOrganization(me);
}
