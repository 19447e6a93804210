// What surrounds the pages of whoever is signed in. Who uses no mouse gets past it by its first link.
import { QueryClientProvider } from '@tanstack/react-query';
import { Link, Outlet } from '@tanstack/react-router';
import { queryClient } from '../api/query-client.ts';
import { useWords } from '../messages/language.ts';
import { GateIcon, GaugeIcon, KeyIcon, PersonIcon, PlayIcon } from './icons.tsx';
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
  const orgId = useOrganizationHere();
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
        {orgId === null ? null : (
          <>
            <Link to="/o/$orgId" params={{ orgId }} activeOptions={{ exact: true }} className="nav-link">
              <GaugeIcon />
              {t('overview.title')}
            </Link>
            <Link to="/o/$orgId/keys" params={{ orgId }} className="nav-link">
              <KeyIcon />
              {t('keys.title')}
            </Link>
            <Link to="/o/$orgId/start" params={{ orgId }} className="nav-link">
              <PlayIcon />
              {t('start.nav')}
            </Link>
          </>
        )}
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
