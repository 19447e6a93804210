// The Express app: the hot path first, before every middleware, then everything else from one list of declared routes.
// What is not in the list does not exist, and what is in it is refused to everybody whom it does not name.
import express, { type Express } from 'express';
import { refuseHead } from './proxy/head.ts';
import { accountRoutes } from './routes/accounts.ts';
import { apiKeyRotationRoutes } from './routes/api-key-rotation.ts';
import { apiKeyRoutes } from './routes/api-keys.ts';
import type { AppDependencies } from './routes/app-dependencies.ts';
import { applicationReviewRoutes } from './routes/application-review.ts';
import { applicationRoutes } from './routes/applications.ts';
import { auditRoutes } from './routes/audit.ts';
import { autoTopUpRoutes } from './routes/auto-top-up.ts';
import { backupRoutes } from './routes/backups.ts';
import { billingDetailsRoutes } from './routes/billing-details.ts';
import { billingIncidentRoutes } from './routes/billing-incidents.ts';
import { bookRoutes } from './routes/books.ts';
import { bootstrapRoutes } from './routes/bootstrap.ts';
import { cardRoutes } from './routes/cards.ts';
import { keyRotationRoutes } from './routes/channel-key-rotations.ts';
import { channelKeyRoutes } from './routes/channel-keys.ts';
import { channelRoutes } from './routes/channels.ts';
import { closingRoutes } from './routes/closing.ts';
import { contractRoutes } from './routes/contracts.ts';
import { staffCustomerRoutes } from './routes/customers.ts';
import { demoClockRoutes } from './routes/demo-clock.ts';
import { routesOf } from './routes/dispatch.ts';
import { errorsTold } from './routes/error-answers.ts';
import { identityProviderRoutes } from './routes/identity-providers.ts';
import { inboxRoutes } from './routes/inbox.ts';
import { invitationRoutes } from './routes/invitations.ts';
import { invoiceRoutes } from './routes/invoices.ts';
import { leakReportRoutes } from './routes/leak-reports.ts';
import { ledgerRoutes } from './routes/ledger.ts';
import { mailChangeRoutes } from './routes/mail-changes.ts';
import { masterKeyRoutes } from './routes/master-keys.ts';
import { meRoutes } from './routes/me.ts';
import { memberRoutes } from './routes/members.ts';
import { modelRoutes } from './routes/models.ts';
import { myDataRoutes } from './routes/my-data.ts';
import { myIdentityRoutes } from './routes/my-identities.ts';
import { myMembershipRoutes } from './routes/my-memberships.ts';
import { mySessionRoutes } from './routes/my-sessions.ts';
import { offeredModelRoutes } from './routes/offered-models.ts';
import { openapiRoute } from './routes/openapi.ts';
import { operationRoutes } from './routes/operations.ts';
import { organizationAuditRoutes } from './routes/organization-audit.ts';
import { customerRoutes } from './routes/organizations.ts';
import { passkeyRoutes } from './routes/passkeys.ts';
import { passwordRoutes } from './routes/passwords.ts';
import { forgivingPaths, nothingHere } from './routes/paths.ts';
import { payRoutes } from './routes/pay.ts';
import { paymentRoutes } from './routes/payments.ts';
import { personRoutes } from './routes/persons.ts';
import { projectRoutes } from './routes/projects.ts';
import { proposalRoutes } from './routes/proposals.ts';
import { readWithKeyRoutes } from './routes/read-with-key.ts';
import { receiptRoutes } from './routes/receipts.ts';
import { named } from './routes/request-ids.ts';
import type { Route } from './routes/route.ts';
import { secondFactorRoutes } from './routes/second-factor.ts';
import { singleSignOnRoutes } from './routes/single-sign-on.ts';
import { staffRoutes } from './routes/staff.ts';
import { subscriptionRoutes } from './routes/subscriptions.ts';
import { taxRoutes } from './routes/taxes.ts';
import { verifyRoutes } from './routes/verify.ts';
import { welcomeRoutes } from './routes/welcome.ts';

/** Every route there is but the hot path; a test walks it with every role. */
export const ROUTES: readonly Route[] = [
  ...operationRoutes,
  openapiRoute(() => ROUTES),
  ...readWithKeyRoutes,
  ...customerRoutes,
  ...staffCustomerRoutes,
  ...projectRoutes,
  ...accountRoutes,
  ...bootstrapRoutes,
  ...passwordRoutes,
  ...mailChangeRoutes,
  ...meRoutes,
  ...mySessionRoutes,
  ...myMembershipRoutes,
  ...myDataRoutes,
  ...closingRoutes,
  ...secondFactorRoutes,
  ...passkeyRoutes,
  ...singleSignOnRoutes,
  ...myIdentityRoutes,
  ...identityProviderRoutes,
  ...personRoutes,
  ...staffRoutes,
  ...memberRoutes,
  ...invitationRoutes,
  ...billingDetailsRoutes,
  ...taxRoutes,
  ...apiKeyRoutes,
  ...apiKeyRotationRoutes,
  ...leakReportRoutes,
  ...channelRoutes,
  ...channelKeyRoutes,
  ...masterKeyRoutes,
  ...keyRotationRoutes,
  ...modelRoutes,
  ...offeredModelRoutes,
  ...paymentRoutes,
  ...receiptRoutes,
  ...contractRoutes,
  ...subscriptionRoutes,
  ...invoiceRoutes,
  ...billingIncidentRoutes,
  ...backupRoutes,
  ...cardRoutes,
  ...autoTopUpRoutes,
  ...bookRoutes,
  ...ledgerRoutes,
  ...inboxRoutes(() => ROUTES),
  ...proposalRoutes(() => ROUTES),
  ...auditRoutes,
  ...organizationAuditRoutes,
  ...payRoutes,
  ...applicationRoutes,
  ...applicationReviewRoutes,
  ...verifyRoutes,
  ...welcomeRoutes,
  ...demoClockRoutes,
];

export function createApp(dependencies: AppDependencies): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(dependencies.proxy); // in production met before Express (D7)
  app.use(named());
  app.use((req, _res, next) => {
    refuseHead(req);
    next();
  });
  app.use(dependencies.consolePages);
  app.use(forgivingPaths(ROUTES));
  app.use(routesOf(ROUTES, dependencies));
  app.use(nothingHere(ROUTES));
  app.use(errorsTold(dependencies));
  return app;
}
