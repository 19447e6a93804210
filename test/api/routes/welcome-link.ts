// An organization that has become an enterprise, and the link that its owners were sent.
import { randomUUID } from 'node:crypto';
import type { EnterpriseTerms } from '../../../domain/enterprise-terms.ts';
import { newOnboarding, type Onboarding } from '../../../domain/onboarding.ts';
import { beginProvisioning } from '../../../domain/provisioning.ts';
import { application } from '../../../services/onboarding/application-rows.ts';
import { sendWelcome } from '../../../services/onboarding/welcome.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import type { ManagementApp } from './management-app.ts';

const TERMS: EnterpriseTerms = {
  creditLineCents: 0,
  netDays: 30,
  priceOfListPpm: 900_000,
  monthlyBudgetCents: null,
  allowedAddresses: ['203.0.113.0/24'],
};

/** Takes the place of any before. */
export async function welcomeLink({ db, welcomeLinks }: ManagementApp, orgId: string): Promise<string> {
  const state: Onboarding = {
    ...newOnboarding(),
    formRevision: 1,
    stage: { kind: 'active', saga: beginProvisioning(1) },
    approved: { formRevision: 1, terms: TERMS },
  };
  const id = randomUUID();
  await db.query(
    `insert into applications (id, org_id, stage, form, applied_by, state, revision) values ($1, $2, 'active', '{"company": "Acme"}', 'test', $3, 1)`,
    [id, orgId, JSON.stringify(state)],
  );
  await inTransaction(db, async (tx) => sendWelcome(tx, await application(tx, id)));
  const { rows } = await db.query<{ id: string }>('select id from welcome_links where application_id = $1', [id]);
  return welcomeLinks.urlOf(rows[0]?.id ?? '');
}
