// Applications over a real PostgreSQL whose clock of billing stands still between two moves: applicants, people of ours who decide, and looks as
// their workflow takes them.
import { randomUUID } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import type { ApplicationForm } from '../../../domain/application-form.ts';
import type { EnterpriseTerms } from '../../../domain/enterprise-terms.ts';
import type { Author } from '../../../services/audit/audit.ts';
import { lockedApplication } from '../../../services/onboarding/application-rows.ts';
import { startApplication, submitApplication, withdrawApplication } from '../../../services/onboarding/applications.ts';
import { type Decision, decide, type WantedDecision } from '../../../services/onboarding/decisions.ts';
import { Onboardings, type OnboardingView } from '../../../services/onboarding/onboardings.ts';
import { addMember } from '../../../services/people/memberships.ts';
import { createPerson } from '../../../services/people/persons.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';

export const FORM: ApplicationForm = {
  company: 'Initech',
  domain: 'initech.example',
  useCase: 'Answers tickets',
  monthlyVolumeCents: 500_000,
  wantedTerms: { creditLineCents: 1_000_000, netDays: 30, note: null },
  residency: 'eu',
  contacts: [{ name: 'Ada Canary', email: 'canary@initech.example' }],
};

export const TERMS: EnterpriseTerms = {
  creditLineCents: 1_000_000,
  netDays: 30,
  priceOfListPpm: 900_000,
  monthlyBudgetCents: 700_000,
  allowedAddresses: ['203.0.113.0/24'],
};
export const LARGE: EnterpriseTerms = { ...TERMS, creditLineCents: 1_000_001 };
export const PREPAID: EnterpriseTerms = {
  ...TERMS,
  creditLineCents: 0,
  monthlyBudgetCents: null,
  allowedAddresses: [],
};

export function person(): Author & { readonly id: string } {
  const id = randomUUID();
  return { id, actor: `person:${id}`, requestId: randomUUID() };
}

export const BEN = person();
export const EVE = person();

export class Desk {
  readonly db: Pool;
  readonly admin: Pool;
  readonly onboardings: Onboardings;

  constructor(db: Pool, admin: Pool) {
    this.db = db;
    this.admin = admin;
    this.onboardings = new Onboardings(db);
  }

  in<T>(work: (tx: PoolClient) => Promise<T>): Promise<T> {
    return inTransaction(this.db, work);
  }

  async newOrganization(): Promise<string> {
    const id = randomUUID();
    await this.admin.query(`insert into organizations (id, name) values ($1, 'Initech')`, [id]);
    return id;
  }

  /** An owner whose address is verified. */
  async owner(orgId: string): Promise<Author & { readonly id: string }> {
    const id = await this.in(async (tx) => {
      const { id: personId } = await createPerson(tx, {
        email: `${randomUUID()}@initech.example`,
        name: 'Ada',
        locale: 'en',
        timeZone: 'UTC',
      });
      await addMember(tx, orgId, personId, 'owner');
      await tx.query('update persons set email_verified_at = billing_now() where id = $1', [personId]);
      return personId;
    });
    return { id, actor: `person:${id}`, requestId: randomUUID() };
  }

  /** Submitted by its owner. */
  async applied(orgId: string, owner: Author, form: ApplicationForm = FORM): Promise<string> {
    const { application } = await this.in((tx) => startApplication(tx, orgId, form, owner));
    await this.submit(application.id, owner);
    return application.id;
  }

  async newApplication(form: ApplicationForm = FORM): Promise<string> {
    const orgId = await this.newOrganization();
    return this.applied(orgId, await this.owner(orgId), form);
  }

  async submit(id: string, author: Author): Promise<void> {
    await this.in(async (tx) => submitApplication(tx, await lockedApplication(tx, id), author));
  }

  async withdraw(id: string, author: Author): Promise<void> {
    await this.in(async (tx) => withdrawApplication(tx, await lockedApplication(tx, id), 'changed our minds', author));
  }

  async decides(author: Author, id: string, wanted: Partial<WantedDecision> = {}): Promise<Decision> {
    const whole = { revision: 1, level: 1, kind: 'approve', terms: TERMS, reason: null, ...wanted } as const;
    return (await this.in((tx) => decide(tx, id, whole, author))).decision;
  }

  asks(author: Author, id: string, revision = 1): Promise<Decision> {
    return this.decides(author, id, { revision, kind: 'ask', terms: null, reason: 'your VAT ID?' });
  }

  rejects(author: Author, id: string, revision = 1): Promise<Decision> {
    return this.decides(author, id, { revision, kind: 'reject', terms: null, reason: 'not our customers' });
  }

  /** As its workflow does, until it waits. */
  async look(id: string): Promise<OnboardingView> {
    await this.admin.query(`delete from process_pokes where workflow_id = 'onboarding:' || $1`, [id]);
    for (;;) {
      const view = await this.onboardings.tick(id);
      if (!view.goesOn) return view;
    }
  }

  async pass(span: string): Promise<void> {
    await this.admin.query('update stopped_clock set at = at + $1::interval', [span]);
  }

  /** Kinds of mails, with what tells one from another. */
  async told(id: string): Promise<string[]> {
    const { rows } = await this.admin.query<{ what: string }>(
      `select kind || coalesce(' ' || (facts ->> 'duty') || ' ' || (facts ->> 'businessDays'), '')
              || case when (facts ->> 'isReminder')::boolean then ' again' else '' end as what
         from notifications where facts ->> 'applicationId' = $1 order by queued_at, id`,
      [id],
    );
    return rows.map(({ what }) => what);
  }

  async audited(id: string): Promise<string[]> {
    const { rows } = await this.admin.query<{ what: string }>(
      `select action || ' ' || (after ->> 'stage') as what from audit_log
        where target_id = $1 and target_kind = 'application' and after ? 'stage' order by seq`,
      [id],
    );
    return rows.map(({ what }) => what);
  }
}
