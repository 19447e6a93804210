// The pages of one organization. Who does not belong to it is told no more than of one that does not exist.
import { Outlet, useParams } from '@tanstack/react-router';
import { useMe } from '../api/questions.ts';
import { NothingHere } from '../pages/trouble.tsx';

export function Organization() {
  const { orgId } = useParams({ from: '/signed-in/o/$orgId' });
  const isMember = useMe().memberships.some((one) => one.orgId === orgId && one.status === 'active');
  return isMember ? <Outlet key={orgId} /> : <NothingHere />;
}
