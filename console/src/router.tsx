// Every address of the console. What a first visit shows comes with the program; all else is loaded when somebody goes there.
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { isSignedOut } from './api/problem.ts';
import { onSignedOut } from './api/signed-out.ts';
import { learn } from './messages/language.ts';
import { ownPath } from './own-path.ts';
import { NothingHere, WentWrong } from './pages/trouble.tsx';
import { VisitorFrame } from './parts/visitor-frame.tsx';
import { rememberedOrganization, rememberOrganization } from './remembered-organization.ts';

const whoAmI = () => import('./api/who-am-i.ts').then((loaded) => loaded.whoAmI());

const root = createRootRoute({ component: Outlet, notFoundComponent: NothingHere, errorComponent: WentWrong });

const visitor = createRoute({ getParentRoute: () => root, id: 'visitor', component: VisitorFrame });

const returning = (search: Record<string, unknown>): { next?: string } => {
  const next = ownPath(search.next);
  return next === '/' ? {} : { next };
};

const visitorRoutes = [
  createRoute({
    getParentRoute: () => visitor,
    path: '/sign-up',
    validateSearch: returning,
    component: lazyRouteComponent(() => import('./pages/sign-up.tsx'), 'SignUp'),
  }),
  createRoute({
    getParentRoute: () => visitor,
    path: '/sign-in',
    validateSearch: returning,
    component: lazyRouteComponent(() => import('./pages/sign-in.tsx'), 'SignIn'),
  }),
  createRoute({
    getParentRoute: () => visitor,
    path: '/bootstrap',
    component: lazyRouteComponent(() => import('./pages/bootstrap.tsx'), 'Bootstrap'),
  }),
  createRoute({
    getParentRoute: () => visitor,
    path: '/forgotten-password',
    validateSearch: returning,
    component: lazyRouteComponent(() => import('./pages/forgotten-password.tsx'), 'ForgottenPassword'),
  }),
  createRoute({
    getParentRoute: () => visitor,
    path: '/password-reset',
    component: lazyRouteComponent(() => import('./pages/password-reset.tsx'), 'PasswordReset'),
  }),
  createRoute({
    getParentRoute: () => visitor,
    path: '/mail-back',
    component: lazyRouteComponent(() => import('./pages/mail-back.tsx'), 'MailBack'),
  }),
  createRoute({
    getParentRoute: () => visitor,
    path: '/reopen',
    component: lazyRouteComponent(() => import('./pages/reopen.tsx'), 'Reopen'),
  }),
  createRoute({
    getParentRoute: () => visitor,
    path: '/single-sign-on',
    validateSearch: returning,
    beforeLoad: () => learn('singleSignOn'),
    component: lazyRouteComponent(() => import('./pages/single-sign-on.tsx'), 'SingleSignOn'),
  }),
  createRoute({
    getParentRoute: () => visitor,
    path: '/signed-on/$orgId',
    beforeLoad: () => learn('singleSignOn'),
    component: lazyRouteComponent(() => import('./pages/signed-on.tsx'), 'SignedOn'),
  }),
  createRoute({
    getParentRoute: () => visitor,
    path: '/connect',
    beforeLoad: () => learn('singleSignOn'),
    component: lazyRouteComponent(() => import('./pages/connect.tsx'), 'Connect'),
  }),
] as const;

const VISITOR_PATHS: ReadonlySet<string> = new Set([
  '/sign-up',
  '/sign-in',
  '/bootstrap',
  '/forgotten-password',
  '/password-reset',
  '/mail-back',
  '/reopen',
  '/single-sign-on',
  '/connect',
]);

const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  beforeLoad: async ({ location }) => {
    try {
      const [{ secondFactor }] = await Promise.all([whoAmI(), learn('signedIn')]);
      // Until then nothing else is allowed to him.
      const mustEnrol = secondFactor.required && !secondFactor.enrolled;
      if (mustEnrol && location.pathname !== '/account') throw redirect({ to: '/account' });
    } catch (thrown) {
      if (isSignedOut(thrown)) throw redirect({ to: '/sign-in', search: returning({ next: location.href }) });
      throw thrown;
    }
  },
  component: lazyRouteComponent(() => import('./parts/shell.tsx'), 'Shell'),
});

const organization = createRoute({
  getParentRoute: () => signedIn,
  path: '/o/$orgId',
  beforeLoad: async ({ params }) => {
    const { memberships, staffMay } = await whoAmI();
    // One of our staff who looks at a customer's pages goes back to his own.
    if (memberships.some(({ orgId }) => orgId === params.orgId)) rememberOrganization(params.orgId);
    else if (staffMay.includes('customer.view')) await learn('customers');
  },
  component: lazyRouteComponent(() => import('./parts/organization.tsx'), 'Organization'),
});

/** From a page of Stripe: what was done there is known here a moment later. */
const comingBack = ({ back }: Record<string, unknown>): { back?: true } => (back === true ? { back } : {});

const organizationRoutes = [
  createRoute({
    getParentRoute: () => organization,
    path: '/',
    component: lazyRouteComponent(() => import('./pages/overview.tsx'), 'Overview'),
  }),
  createRoute({
    getParentRoute: () => organization,
    path: '/start',
    component: lazyRouteComponent(() => import('./pages/first-request.tsx'), 'FirstRequest'),
  }),
  createRoute({
    getParentRoute: () => organization,
    path: '/keys',
    component: lazyRouteComponent(() => import('./pages/keys.tsx'), 'Keys'),
  }),
  createRoute({
    getParentRoute: () => organization,
    path: '/sub-accounts',
    beforeLoad: () => learn('organization'),
    component: lazyRouteComponent(() => import('./pages/sub-accounts.tsx'), 'SubAccounts'),
  }),
  createRoute({
    getParentRoute: () => organization,
    path: '/team',
    beforeLoad: () => Promise.all([learn('organization'), learn('singleSignOn'), learn('deeds')]),
    component: lazyRouteComponent(() => import('./pages/team.tsx'), 'Team'),
  }),
  createRoute({
    getParentRoute: () => organization,
    path: '/billing',
    validateSearch: comingBack,
    beforeLoad: () => learn('organization'),
    component: lazyRouteComponent(() => import('./pages/billing.tsx'), 'Billing'),
  }),
  createRoute({
    getParentRoute: () => organization,
    path: '/enterprise',
    component: lazyRouteComponent(() => import('./pages/enterprise.tsx'), 'Enterprise'),
  }),
] as const;

const staff = createRoute({
  getParentRoute: () => signedIn,
  path: '/staff',
  beforeLoad: () => learn('staff'),
  component: lazyRouteComponent(() => import('./parts/staff.tsx'), 'Staff'),
});

const staffRoutes = [
  createRoute({
    getParentRoute: () => staff,
    path: '/inbox',
    component: lazyRouteComponent(() => import('./pages/staff-inbox.tsx'), 'StaffInbox'),
  }),
  createRoute({
    getParentRoute: () => staff,
    path: '/applications/$id',
    component: lazyRouteComponent(() => import('./pages/staff-application.tsx'), 'StaffApplication'),
  }),
  createRoute({
    getParentRoute: () => staff,
    path: '/proposals/$id',
    component: lazyRouteComponent(() => import('./pages/staff-proposal.tsx'), 'StaffProposal'),
  }),
  createRoute({
    getParentRoute: () => staff,
    path: '/people',
    component: lazyRouteComponent(() => import('./pages/staff-people.tsx'), 'StaffPeople'),
  }),
  createRoute({
    getParentRoute: () => staff,
    path: '/customers',
    validateSearch: ({ find }: Record<string, unknown>): { find?: string } =>
      typeof find === 'string' && find !== '' ? { find } : {},
    beforeLoad: () => learn('customers'),
    component: lazyRouteComponent(() => import('./pages/customers.tsx'), 'Customers'),
  }),
  createRoute({
    getParentRoute: () => staff,
    path: '/customers/$customerId',
    beforeLoad: () => Promise.all([learn('customers'), learn('deeds')]),
    component: lazyRouteComponent(() => import('./pages/customer.tsx'), 'Customer'),
  }),
  createRoute({
    getParentRoute: () => staff,
    path: '/keys',
    beforeLoad: () => learn('operations'),
    component: lazyRouteComponent(() => import('./pages/staff-keys.tsx'), 'StaffKeys'),
  }),
  createRoute({
    getParentRoute: () => staff,
    path: '/backups',
    beforeLoad: () => learn('operations'),
    component: lazyRouteComponent(() => import('./pages/staff-backups.tsx'), 'StaffBackups'),
  }),
] as const;

const home = createRoute({
  getParentRoute: () => signedIn,
  path: '/',
  beforeLoad: async () => {
    const me = await whoAmI();
    // Whoever works for us has come for that, also if he has an organization of his own.
    if (me.staffMay.includes('inbox.read')) throw redirect({ to: '/staff/inbox' });
    if (me.staffMay.includes('customer.read')) throw redirect({ to: '/staff/customers' });
    const orgId = rememberedOrganization(me);
    if (orgId === null) throw redirect({ to: '/account' });
    throw redirect({ to: '/o/$orgId', params: { orgId } });
  },
});

const account = createRoute({
  getParentRoute: () => signedIn,
  path: '/account',
  beforeLoad: () => learn('singleSignOn'),
  component: lazyRouteComponent(() => import('./pages/account.tsx'), 'Account'),
});

const join = createRoute({
  getParentRoute: () => signedIn,
  path: '/join/$invitation',
  component: lazyRouteComponent(() => import('./pages/join.tsx'), 'Join'),
});

export const router = createRouter({
  basepath: '/console',
  defaultPreload: 'intent',
  scrollRestoration: true,
  routeTree: root.addChildren([
    visitor.addChildren(visitorRoutes),
    signedIn.addChildren([
      home,
      organization.addChildren(organizationRoutes),
      staff.addChildren(staffRoutes),
      account,
      join,
    ]),
  ]),
});

onSignedOut(() => {
  const { pathname, href } = router.state.location;
  const isVisitors = VISITOR_PATHS.has(pathname) || pathname.startsWith('/signed-on/');
  if (!isVisitors) void router.navigate({ to: '/sign-in', search: returning({ next: href }) });
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
