// The pages of one organization. Who does not belong to it is told no more than of one that does not exist.
import { Outlet, useParams } from '@tanstack/react-router';
import { Fragment } from 'react';
import { useMe } from '../api/questions.ts';
import { NothingHere } from '../pages/trouble.tsx';
import { Barrier } from './barrier.tsx';
import { FrozenBanner } from './key-frozen.tsx';
import { OverdueBanner } from './overdue-banner.tsx';
import { Viewing } from './viewing.tsx';

export function Organization() {
  const { orgId } = useParams({ from: '/signed-in/o/$orgId' });
  const { memberships, staffMay } = useMe();
  const membership = memberships.find((one) => one.orgId === orgId && one.status === 'active');
  const isMember = membership !== undefined;
  if (!isMember && !staffMay.includes('customer.view')) return <NothingHere />;
  if (membership !== undefined && membership.barrier !== null)
    return <Barrier {...membership} why={membership.barrier} />;
  const pages = (
    <Fragment key={orgId}>
      <OverdueBanner orgId={orgId} />
      <FrozenBanner orgId={orgId} />
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
