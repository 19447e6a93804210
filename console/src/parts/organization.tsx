// The pages of one organization. Who does not belong to it is told no more than of one that does not exist.
import { Outlet, useParams } from '@tanstack/react-router';
import { Fragment } from 'react';
import { useMe } from '../api/questions.ts';
import { NothingHere } from '../pages/trouble.tsx';
import { OverdueBanner } from './overdue-banner.tsx';

export function Organization() {
  const { orgId } = useParams({ from: '/signed-in/o/$orgId' });
  const isMember = useMe().memberships.some((one) => one.orgId === orgId && one.status === 'active');
  if (!isMember) return <NothingHere />;
  return (
    <Fragment key={orgId}>
      <OverdueBanner orgId={orgId} />
      <Outlet />
    </Fragment>
  );
}
