// Reads what PostgreSQL holds, by the read-only role, all of one moment. Nothing is written.
import { Client, types } from 'pg';
import type { Books } from './facts.ts';

const BIGINT_OID = 20;

export async function readBooks(postgresUrl: string): Promise<Books> {
  const db = new Client({
    connectionString: postgresUrl,
    types: { getTypeParser: (oid, format) => (oid === BIGINT_OID ? BigInt : types.getTypeParser(oid, format)) },
  });
  await db.connect();
  try {
    await db.query('begin transaction isolation level repeatable read, read only');
    const rows = async <Row extends object>(sql: string): Promise<Row[]> => (await db.query<Row>(sql)).rows;
    const ids = async (sql: string): Promise<string[]> => (await rows<{ id: string }>(sql)).map(({ id }) => id);
    return {
      usageRecords: await rows(USAGE_RECORDS),
      attempts: await rows(ATTEMPTS),
      losses: await rows(LOSSES),
      transactions: await rows(TRANSACTIONS),
      entries: await rows(ENTRIES),
      payments: await rows(PAYMENTS),
      refunds: await rows(REFUNDS),
      grants: await rows(GRANTS),
      leases: await rows(LEASES),
      slices: await rows(SLICES),
      organizations: await rows(ORGANIZATIONS),
      enforcementChanges: await rows(ENFORCEMENT_CHANGES),
      planChanges: await rows(PLAN_CHANGES),
      projectPrices: await rows(PROJECT_PRICES),
      incarnations: await rows(INCARNATIONS),
      caps: await rows(CAPS),
      capCounters: await rows(CAP_COUNTERS),
      channels: await rows(CHANNELS),
      priceVersions: await rows(PRICE_VERSIONS),
      unmatchedExports: await ids(`select request_id || '.' || n as id from usage_export_rows`),
      unsentEnds: await ids('select request_id as id from unsent_ends'),
      conflicts: await ids('select request_id as id from settlement_conflicts'),
    };
  } finally {
    await db.end();
  }
}

const milliseconds = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

const USAGE_RECORDS = `
  select request_id as "requestId", org_id as "orgId", project_id as "projectId", member_id as "memberId",
         api_key_id as "apiKeyId", incarnation_id as "incarnationId", lease_id as "leaseId", model_id as "modelId",
         price_version_id as "priceVersionId", meters, usage_source as "usageSource", delivered_bytes as "deliveredBytes",
         rated_nano as "ratedNano", beyond_nano as "beyondNano", beyond_ppm as "beyondPpm", due_nano as "dueNano", charge_nano as "chargeNano", outcome, winner, transaction_id as "transactionId",
         ${milliseconds('admitted_at')} as "admittedAtMs"
    from usage_records order by request_id`;

const ATTEMPTS = `
  select request_id as "requestId", n, incarnation_id as "incarnationId", channel_id as "channelId", model_id as "modelId",
         upstream_model as "upstreamModel", cost_version_id as "costVersionId", outcome, ${milliseconds('sent_at')} as "sentAtMs", cost_nano as "costNano"
    from attempts`;

const LOSSES = `
  select request_id as "requestId", n, reason, amount_nano as "amountNano", transaction_id as "transactionId" from ops_losses`;

const TRANSACTIONS = `
  select id, kind, source_id as "sourceId", ${milliseconds('effective_at')} as "effectiveAtMs" from ledger_transactions`;

const ENTRIES = `
  select transaction_id as "transactionId", account, org_id as "orgId", grant_id as "grantId", lease_id as "leaseId",
         channel_id as "channelId", amount_nano as "amountNano", balance_after_nano as "balanceAfterNano"
    from ledger_entries`;

const PAYMENTS = `
  select id, stripe_payment_intent as "stripePaymentIntent", transaction_id as "transactionId" from payments`;

const REFUNDS = `
  select payment_id as "paymentId", transaction_id as "transactionId", reversal_id as "reversalId" from refunds`;

const GRANTS = `
  select g.id, g.org_id as "orgId", g.source, g.priority, g.amount_nano as "amountNano", b.available_nano as "availableNano",
         ${milliseconds('g.effective_at')} as "effectiveAtMs", ${milliseconds('g.expires_at')} as "expiresAtMs",
         ${milliseconds('g.created_at')} as "createdAtMs"
    from credit_grants g left join grant_balances b on b.grant_id = g.id`;

const LEASES = `
  select id, incarnation_id as "incarnationId", org_id as "orgId", project_id as "projectId", member_id as "memberId",
         api_key_id as "apiKeyId", amount_nano as "amountNano", consumed_nano as "consumedNano", at_list_nano as "atListNano", beyond_ppm as "beyondPpm",
         ${milliseconds('opened_at')} as "openedAtMs", closed_at is not null as closed
    from leases`;

const SLICES = 'select lease_id as "leaseId", grant_id as "grantId", amount_nano as "amountNano" from lease_slices';

const ORGANIZATIONS = `
  select id, overdraft_nano as "overdraftNano", overdraft_floor_nano as "overdraftFloorNano" from organizations`;

const ENFORCEMENT_CHANGES = 'select org_id as "orgId", stage, ledger_number as "ledgerNumber" from enforcement_changes';

const PLAN_CHANGES = `
  select c.org_id as "orgId", v.plan, v.beyond_included_ppm as ppm, c.ledger_number as "ledgerNumber"
    from plan_changes c left join plan_versions v on v.id = c.plan_version_id`;

const PROJECT_PRICES = `
  select project_id as "projectId", price_of_list_ppm as ppm, ledger_number as "ledgerNumber" from project_prices`;

const INCARNATIONS = `
  select id, pid, ${milliseconds('started_at')} as "startedAtMs", ${milliseconds('renewed_at')} as "renewedAtMs", ${milliseconds('fenced_at')} as "fencedAtMs",
         closed_at is not null as closed
    from gateway_incarnations`;

const CAPS = `
  select c.id, c.scope_id as "scopeId", c.period, c.amount_nano as "amountNano",
         coalesce(o.version = 1 and coalesce(k.version, p.version, o.version) = 1, false) as "isAsCreated"
    from caps c join organizations o on o.id = c.org_id
    left join api_keys k on c.scope = 'api_key' and k.id = c.scope_id
    left join projects p on c.scope = 'project' and p.id = c.scope_id`;

/** The calendar is PostgreSQL's, the rule is written here again: a period ends where the next one begins, in local time. */
const CAP_COUNTERS = `
  select u.cap_id as "capId", u.committed_nano as "committedNano", ${milliseconds('u.period_start')} as "fromMs",
         ${milliseconds(`case when c.period <> 'total' then
           ((u.period_start at time zone o.time_zone) + ('1 ' || c.period)::interval) at time zone o.time_zone end`)} as "untilMs"
    from cap_usage u join caps c on c.id = u.cap_id join organizations o on o.id = c.org_id`;

const CHANNELS = 'select id, usage_export is not null as exports from channels';

const PRICE_VERSIONS = `
  select id, model_id as "modelId", side, ${milliseconds('effective_at')} as "effectiveAtMs" from price_versions`;
