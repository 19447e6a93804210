// Reads what the judge of billing needs, by the role that can only read.
import type { Client } from 'pg';
import type { BillingFacts, Case, IncludedGrant, Invoice, Payment, Period, Subscription } from './billing-facts.ts';

type Books = Omit<BillingFacts, 'captures' | 'taxReports' | 'mails' | 'workflows' | 'broken' | 'stagesByRule'>;
type Rows<Name extends keyof BillingFacts> = BillingFacts[Name] extends readonly (infer Row)[] ? Row : never;

/** At one moment. */
export async function readBillingBooks(db: Client): Promise<Books> {
  await db.query('begin isolation level repeatable read, read only');
  const rows = async <Row extends object>(statement: string) => (await db.query<Row>(statement)).rows;
  const [time] = await rows<{ now: Date }>('select billing_now() as now');
  const outside = await rows<{ id: string }>(OUTSIDE_THE_LADDER);
  const undelivered = await rows<{ id: string }>(
    'select workflow_id as id from process_pokes union all select id from stripe_events where processed_at is null',
  );
  const [told] = await rows<{ many: number }>(
    'select count(*)::integer as many from notifications where handed_over_at is not null',
  );
  const books: Books = {
    now: time?.now ?? new Date(Number.NaN),
    planVersions: await rows<Rows<'planVersions'>>(
      'select id, monthly_credit_cents as "monthlyCreditCents" from plan_versions',
    ),
    organizations: await rows<Rows<'organizations'>>('select id, overdue_stage as "overdueStage" from organizations'),
    stageChanges: await rows<Rows<'stageChanges'>>(
      'select org_id as "orgId", stage from enforcement_changes order by org_id, seq',
    ),
    subscriptions: await rows<Subscription>(SUBSCRIPTIONS),
    periods: await rows<Period>(PERIODS),
    invoices: await rows<Invoice>(INVOICES),
    payments: await rows<Payment>(
      'select id, invoice_id as "invoiceId", second_of as "secondOf", stripe_payment_intent as intent, transaction_id::text as "transactionId" from payments',
    ),
    refunds: await rows<Rows<'refunds'>>(
      'select id, payment_id as "paymentId", transaction_id::text as "transactionId", reversal_id::text as "reversalId" from refunds',
    ),
    clearing: (await rows<{ transactionId: string; amount: string }>(CLEARING)).map(({ transactionId, amount }) => ({
      transactionId,
      amountNano: BigInt(amount),
    })),
    taxes: (await rows<{ transactionId: string; amount: string }>(TAXES)).map(({ transactionId, amount }) => ({
      transactionId,
      amountNano: BigInt(amount),
    })),
    deferred: (await rows<Omit<Rows<'deferred'>, 'amountNano'> & { amount: string }>(DEFERRED)).map(
      ({ amount, ...move }) => ({ ...move, amountNano: BigInt(amount) }),
    ),
    includedGrants: (await rows<Omit<IncludedGrant, 'amountNano'> & { amount: string }>(INCLUDED)).map(
      ({ amount, ...grant }) => ({ ...grant, amountNano: BigInt(amount) }),
    ),
    transfers: await rows<Rows<'transfers'>>(
      'select invoice_id as "invoiceId", amount_cents as "amountCents" from bank_transfers where reversed_at is null',
    ),
    cases: await rows<Case>(CASES),
    notices: await rows<Rows<'notices'>>(NOTICES),
    outsideTheLadder: new Set(outside.map(({ id }) => id)),
    handedOver: told?.many ?? 0,
    undelivered: undelivered.map(({ id }) => id),
  };
  await db.query('commit');
  return books;
}

const SUBSCRIPTIONS = `
  select id, org_id as "orgId", phase, wake_at as "wakeAt",
         phase = 'voiding' or phase = 'paying' and state #>> '{phase,authenticateByMs}' is null as asks
    from subscriptions`;

const PERIODS = `
  select subscription_id as "subscriptionId", anchor, first_month as "firstMonth", months, starts_at as "startsAt", ends_at as "endsAt",
         invoice_id as "invoiceId", in_force_from as "inForceFrom", cut_at as "cutAt"
    from subscription_periods`;

const INVOICES = `
  select i.id, i.org_id as "orgId", i.amount_cents as "amountCents", i.tax_cents as "taxCents", (i.tax -> 'ratePpm')::integer as "ratePpm",
         c.tax_cents as "stripeTaxCents", i.state, i.bought #>> '{terms,planVersionId}' as "planVersionId"
    from invoices i left join tax_calculations c on c.sale_id = i.id`;

const CLEARING = `
  select transaction_id::text as "transactionId", amount_nano::text as amount from ledger_entries where account = 'stripe_clearing'`;

const TAXES = `
  select transaction_id::text as "transactionId", amount_nano::text as amount from ledger_entries where account = 'tax_payable'`;

const DEFERRED = `
  with granted as (
    select g.org_id, t.id, g.expires_at from credit_grants g join ledger_transactions t on t.kind = 'grant' and t.source_id = g.id::text where g.source = 'included'
  )
  select m.org_id as "orgId", m.id::text as "transactionId", sum(m.amount)::text as amount, max(g.expires_at) as "monthEndsAt"
    from (select org_id, transaction_id as id, amount_nano as amount from ledger_entries where account = 'deferred_plan'
           union all select org_id, id, 0 from granted) m
    left join granted g on g.id = m.id
   group by m.org_id, m.id order by m.id`;

const INCLUDED = `
  select id, org_id as "orgId", amount_nano::text as amount, expires_at as "expiresAt" from credit_grants where source = 'included'`;

/** An invoice that became void while its debt went on, as by a change of plan: what it was told and since when counts for the next one. */
const FORMER = `
  dunnings f where f.subscription_id = d.subscription_id and f.closed = 'void' and f.closed_at between d.opened_at - interval '3 days' and d.opened_at`;

const CASES = `
  select c.*, case c.policy when 'postpaid' then c.due_at else c."openedAt" end as "dueAt"
    from (select d.invoice_id as "invoiceId", d.org_id as "orgId", d.policy, least(d.opened_at, (select min(f.opened_at) from ${FORMER})) as "openedAt",
                 d.wake_at as "wakeAt", d.closed, i.due_at, to_timestamp((d.state #>> '{invoice,stopDecidedAtMs}')::float8 / 1000) as "stopDecidedAt"
            from dunnings d join invoices i on i.id = d.invoice_id) c`;

const NOTICES = `
  select invoice_id as "invoiceId", notice, handed_over_at as "handedOverAt" from notifications where notice is not null
   union all
  select d.invoice_id, n.notice, n.handed_over_at
    from dunnings d, notifications n where n.notice is not null and n.invoice_id in (select f.invoice_id from ${FORMER})`;

/** Somebody commanded, or a card's answer was or is in doubt; during a declared incident all cases are. */
const OUTSIDE_THE_LADDER = `
  select substr(workflow_id, 9) as id from process_commands where workflow_id like 'dunning:%'
   union select p.invoice_id::text from charge_attempts a join payments p on p.id = a.payment_id
          where a.outcome is null or a.outcome in ('unknown', 'fault')
   union select d.invoice_id::text from dunnings d
          where exists (select from billing_incidents)
             or exists (select from jsonb_array_elements(d.state #> '{invoice,attempts}') a where a -> 'doubtfulAtMs' <> 'null')`;
