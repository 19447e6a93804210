// What the app is wired to; api/gateway.ts makes it once per process. Routes reach nothing else.
import type { RequestHandler } from 'express';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Accounts } from '../../services/accounts/accounts.ts';
import type { ScannerKeys } from '../../services/api-keys/scanner-keys.ts';
import type { FakeStripeClock } from '../../services/billing-clock/fake-stripe-clock.ts';
import type { ChannelHealth } from '../../services/channels/channel-health.ts';
import type { RoutingTable } from '../../services/channels/routing-table.ts';
import type { Egress } from '../../services/egress/egress.ts';
import type { WelcomeLinks } from '../../services/onboarding/welcome.ts';
import type { PayLinks } from '../../services/payments/pay-links.ts';
import type { StripeApi } from '../../services/payments/stripe-api.ts';
import type { StripeInbox } from '../../services/payments/stripe-inbox.ts';
import type { InvitationLinks } from '../../services/people/invitations.ts';
import type { VerifyLinks } from '../../services/people/verifications.ts';
import type { SingleSignOn } from '../../services/single-sign-on/single-sign-on.ts';
import type { Vault } from '../../services/vault/vault.ts';
import type { Authentication } from '../proxy/authenticate.ts';

export interface PaymentDesk {
  readonly stripe: StripeApi;
  readonly inbox: StripeInbox;
  readonly publicUrl: string;
}

export interface DemoClock {
  readonly stripe: FakeStripeClock;
  /** How long it waits for what is due at a moment before it goes on to the next. */
  readonly patienceMs: number;
}

export interface AppDependencies extends Authentication {
  /** As tollgate_worker. */
  readonly db: Pool;
  /** As tollgate_members: what one organization has, and nothing else. */
  readonly dbOf: (orgId: string) => Pool;
  readonly log: Logger;
  /** The metrics, as Prometheus reads them. */
  readonly scrape: () => Promise<string>;
  readonly adminToken: string;
  /** The list of workflows in Temporal's UI, in front of the id of one; null: nobody said where that is. */
  readonly temporalUiUrl: string | null;
  readonly accounts: Accounts;
  readonly singleSignOn: SingleSignOn;
  /** null: this installation takes no payments. */
  readonly payments: PaymentDesk | null;
  readonly links: PayLinks;
  readonly verifyLinks: VerifyLinks;
  readonly welcomeLinks: WelcomeLinks;
  readonly invitationLinks: InvitationLinks;
  /** null: the clock of billing cannot be moved. */
  readonly demoClock: DemoClock | null;
  /** Who may report leaked credentials by a signature; null: nobody. */
  readonly scannerKeys: ScannerKeys | null;
  readonly vault: Vault;
  readonly egress: Egress;
  readonly routing: () => RoutingTable;
  readonly health: ChannelHealth;
  readonly ready: () => { readonly ok: boolean; readonly reasons: readonly string[] };
  /** Answers what lies under /console, passes the rest on. */
  readonly consolePages: RequestHandler;
  /** The hot path: answers what is its own, passes the rest on. */
  readonly proxy: RequestHandler;
}
