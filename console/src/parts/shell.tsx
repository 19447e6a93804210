// What surrounds the pages of whoever is signed in. Who uses no mouse gets past it by its first link.
import { QueryClientProvider, useQuery } from '@tanstack/react-query';
import { Link, Outlet, useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import type { Me } from '../api/answers.ts';
import { organizationQuery } from '../api/organization-questions.ts';
import { queryClient } from '../api/query-client.ts';
import { useMe } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { roleIn, seesMoney } from '../rights.ts';
import {
  BranchesIcon,
  BuildingIcon,
  CardIcon,
  GateIcon,
  GaugeIcon,
  KeyIcon,
  LockIcon,
  PeopleIcon,
  PersonIcon,
  PlayIcon,
  SearchIcon,
  StackIcon,
  TrayIcon,
} from './icons.tsx';
import { useOrganizationHere } from './organization-here.ts';
import { OrganizationMenu } from './organization-menu.tsx';
import { PersonMenu } from './person-menu.tsx';

export function Shell() {
  return (
    <QueryClientProvider client={queryClient}>
      <Frame />
    </QueryClientProvider>
  );
}

function Frame() {
  const t = useWords();
  const me = useMe();
  const orgId = useOrganizationHere();
  useEnrolment(me);
  return (
    <div className="shell">
      <a href="#page" className="skip-link">
        {t('shell.skip')}
      </a>
      <header className="shell-head">
        <Link to="/" className="brand">
          <GateIcon size={20} />
          <span>Tollgate</span>
        </Link>
        <OrganizationMenu />
        <PersonMenu />
      </header>
      <nav className="shell-nav" aria-label={t('shell.pages')}>
        {orgId === null ? null : <OrganizationLinks me={me} orgId={orgId} />}
        {me.staffMay.includes('inbox.read') ? (
          <Link to="/staff/inbox" className="nav-link">
            <TrayIcon />
            {t('shell.inbox')}
          </Link>
        ) : null}
        {me.staffMay.includes('customer.read') ? (
          <Link to="/staff/customers" className="nav-link">
            <SearchIcon />
            {t('shell.customers')}
          </Link>
        ) : null}
        {me.staffMay.includes('staff.read') ? (
          <Link to="/staff/people" className="nav-link">
            <PeopleIcon />
            {t('shell.people')}
          </Link>
        ) : null}
        {me.staffMay.includes('channel.read') || me.staffMay.includes('master_key.read') ? (
          <Link to="/staff/keys" className="nav-link">
            <LockIcon />
            {t('shell.keys')}
          </Link>
        ) : null}
        {me.staffMay.includes('backup.read') ? (
          <Link to="/staff/backups" className="nav-link">
            <StackIcon />
            {t('shell.backups')}
          </Link>
        ) : null}
        <Link to="/account" className="nav-link">
          <PersonIcon />
          {t('account.nav')}
        </Link>
      </nav>
      <main id="page" tabIndex={-1} className="shell-page">
        <Outlet />
      </main>
    </div>
  );
}

function OrganizationLinks({ me, orgId }: { readonly me: Me; readonly orgId: string }) {
  const t = useWords();
  const params = { orgId };
  const isEnterprise = usePlan(me, orgId) === 'enterprise';
  return (
    <>
      <Link to="/o/$orgId" params={params} activeOptions={{ exact: true }} className="nav-link">
        <GaugeIcon />
        {t('overview.title')}
      </Link>
      <Link to="/o/$orgId/keys" params={params} className="nav-link">
        <KeyIcon />
        {t('keys.title')}
      </Link>
      <Link to="/o/$orgId/start" params={params} className="nav-link">
        <PlayIcon />
        {t('start.nav')}
      </Link>
      <Link to="/o/$orgId/team" params={params} className="nav-link">
        <PeopleIcon />
        {t('team.title')}
      </Link>
      {isEnterprise ? (
        <Link to="/o/$orgId/sub-accounts" params={params} className="nav-link">
          <BranchesIcon />
          {t('subAccounts.title')}
        </Link>
      ) : null}
      {seesMoney(roleIn(me, orgId)) ? (
        <Link to="/o/$orgId/billing" params={params} className="nav-link">
          <CardIcon />
          {t('billing.title')}
        </Link>
      ) : null}
      <Link to="/o/$orgId/enterprise" params={params} className="nav-link">
        <BuildingIcon />
        {t('enterprise.title')}
      </Link>
    </>
  );
}

/** Who looks at it as one of our staff is no member, and has to ask. */
function usePlan({ memberships, staffMay }: Me, orgId: string) {
  const own = memberships.find((one) => one.orgId === orgId);
  const mayLook = own === undefined && staffMay.includes('customer.view');
  const looked = useQuery({ ...organizationQuery(orgId), enabled: mayLook });
  return own === undefined ? looked.data?.plan : own.plan;
}

/** A plan that asks its owners for a second factor may begin while a page is open: until they have one all else is refused. */
function useEnrolment({ secondFactor: { required, enrolled } }: Me): void {
  const navigate = useNavigate();
  const mustEnrol = required && !enrolled;
  useEffect(() => {
    if (mustEnrol) void navigate({ to: '/account' });
  }, [mustEnrol, navigate]);
}
