// The pages of one organization. Who does not belong to it is told no more than of one that does not exist.
import { Outlet, useParams } from '@tanstack/react-router';
import { Fragment } from 'react';
import { useMe } from '../api/questions.ts';
import { NothingHere } from '../pages/trouble.tsx';
import { OverdueBanner } from './overdue-banner.tsx';
import { Viewing } from './viewing.tsx';

export function Organization() {
  const { orgId } = useParams({ from: '/signed-in/o/$orgId' });
  const { memberships, staffMay } = useMe();
  const isMember = memberships.some((one) => one.orgId === orgId && one.status === 'active');
  if (!isMember && !staffMay.includes('customer.view')) return <NothingHere />;
  const pages = (
    <Fragment key={orgId}>
      <OverdueBanner orgId={orgId} />
      <Outlet />
    </Fragment>
  );
  return isMember ? (
    pages
  ) : (
    <Viewing key={orgId} orgId={orgId}>
      {pages}
    </Viewing>
  );
}
