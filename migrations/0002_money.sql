-- Money: grants, the double-entry ledger, leases, what was used, and what it cost. Integer nano-USD (bigint) throughout.
-- Ledger signs: debit +, credit -. Append-only tables refuse UPDATE and DELETE; a correction is a reversing transaction.
-- Usage, attempts and entries carry no foreign keys: each would lock and look up a row on the settlement path.

-- Up Migration

-- What a column of the settlement path may hold is said by a type: PostgreSQL keeps a domain's constraint parsed, while a table's is
-- parsed anew from its text by every statement.
create domain transaction_kind as text
  check (value in ('grant', 'payment', 'refund', 'lease', 'lease_return', 'settlement', 'beyond_lease', 'expiry', 'repayment', 'ops_loss', 'reversal',
                   'invoice', 'bank_transfer'));
create domain ledger_account as text check (value in
  ('funding', 'stripe_clearing', 'deferred_plan', 'deferred_adjust', 'credit', 'held', 'overdraft', 'revenue_usage', 'breakage', 'ops_loss', 'upstream_cost',
   'upstream_payable', 'credit_line', 'receivable', 'bank', 'rounding', 'owed_back', 'tax_payable'));
create domain entry_amount as bigint check (value <> 0);
create domain byte_count as bigint check (value >= 0);
create domain usage_source as text check (value in ('provider', 'estimate', 'none'));
create domain request_outcome as text
  check (value in ('complete', 'client_gone', 'cut', 'credit_exhausted', 'empty', 'failed', 'quarantined'));
create domain attempt_outcome as text
  check (value in ('won', 'failed_over', 'failed', 'timed_out', 'cut', 'client_gone', 'empty', 'refused', 'orphaned'));

create table ledger_transactions (
  id bigint generated always as identity primary key,
  kind transaction_kind not null,
  idempotency_key text not null unique,
  effective_at timestamptz not null default billing_now(),
  booked_at timestamptz not null default clock_timestamp(),
  source_kind text not null,
  source_id text not null,
  reverses bigint unique references ledger_transactions,
  actor text not null
);

-- credit: a grant's unspent money (owed to the customer); held: a lease's; overdraft: what the customer owes us. stripe_clearing: what
-- Stripe has taken for us; deferred_plan: what periods were paid for whose credit is still to come; deferred_adjust: by how much more
-- credit was sold than money came in; funding: credit that nobody paid for; credit_line: credit that is lent and not invoiced, whether it
-- is free, leased or used; receivable: what was invoiced and not paid; bank: what came by bank transfer; rounding: of invoices, to cents;
-- owed_back: what was taken and bought nothing, a second time or for what is void, and did not go back at once; tax_payable: tax that customers paid or were invoiced, and we owe.
create table ledger_entries (
  transaction_id bigint not null,
  line integer not null,
  account ledger_account not null,
  org_id uuid,
  grant_id uuid,
  lease_id uuid,
  channel_id uuid,
  amount_nano entry_amount not null,
  -- Money left on the grant or lease after this entry; null on every other account.
  balance_after_nano bigint,
  primary key (transaction_id, line)
);
create index on ledger_entries (grant_id) where grant_id is not null;
create index on ledger_entries (lease_id) where lease_id is not null;
-- What is summed up while an organization is held: of all other accounts a balance is kept beside the ledger.
create index on ledger_entries (org_id, account) where account in ('deferred_plan', 'credit_line', 'receivable');
-- What an organization has, as it moved: read backwards from now (D102).
create index on ledger_entries (org_id, transaction_id) include (amount_nano) where account in ('credit', 'held', 'overdraft');

create table credit_grants (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references organizations,
  source text not null check (source in ('trial', 'included', 'promo', 'bonus', 'pack', 'manual', 'credit_line')),
  -- What comes with a plan or on credit is spent by nobody whose invoice is overdue; what was bought stays usable (billing.md 1.4).
  locked_while_overdue boolean not null generated always as (source in ('included', 'credit_line')) stored,
  -- Burn order: priority, then expiry (never = last), then age, then id.
  priority smallint not null check (priority between 0 and 100),
  amount_nano bigint not null check (amount_nano > 0),
  paid_cents integer not null default 0 check (paid_cents >= 0),
  -- Which payment bought it (0005); null: it was given.
  payment_id uuid,
  effective_at timestamptz not null default billing_now(),
  expires_at timestamptz,
  created_at timestamptz not null default billing_now(),
  created_by text not null,
  note text,
  check (expires_at is null or expires_at > effective_at)
);
create index on credit_grants (org_id);
-- What one of our people has given by himself (services/grants/given-by-hand.ts).
create index on credit_grants (created_by, created_at) where created_by like 'person:%';
create index on credit_grants (payment_id) where payment_id is not null;

create table grant_balances (
  grant_id uuid primary key references credit_grants,
  org_id uuid not null references organizations,
  available_nano bigint not null check (available_nano >= 0)
);
create index on grant_balances (org_id) where available_nano > 0;

-- Every change of an organization's stage. ledger_number is of the ledger's own numbers and drawn, as theirs are, while the organization is
-- held: transactions with a lower one that moved its credit were made under the stage before, those with a higher one under this (D49).
create table enforcement_changes (
  org_id uuid not null references organizations,
  seq bigint not null,
  stage text not null check (stage in ('none', 'limited', 'stopped')),
  ledger_number bigint not null unique,
  at timestamptz not null default billing_now(),
  primary key (org_id, seq)
);

-- A stage cannot change without a record, nor without a number that is higher than before: the primary key refuses it.
create function record_enforcement() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into enforcement_changes (org_id, seq, stage, ledger_number)
    values (new.id, new.enforcement_seq, new.overdue_stage, nextval('ledger_transactions_id_seq'));
  return null;
end $$;
create trigger recorded after update of overdue_stage on organizations
  for each row when (new.overdue_stage <> old.overdue_stage) execute function record_enforcement();

-- One row per run of a gateway process. fenced: it may settle no more. closed: its leases are back. journal_known: what its journal
-- held is in PostgreSQL; without that, closed after ten minutes, what it has no record of may yet come.
create table gateway_incarnations (
  id uuid primary key,
  -- Within which the pid names a process (services/incarnations/process-identity.ts).
  host text not null,
  pid integer not null,
  process_started text not null,
  journal_path text not null,
  started_at timestamptz not null default clock_timestamp(),
  renewed_at timestamptz not null default clock_timestamp(),
  -- How far ahead it knows the clock of billing to be.
  clock_ahead interval not null default interval '0',
  fenced_at timestamptz,
  fenced_reason text,
  closed_at timestamptz,
  journal_known_at timestamptz
) with (fillfactor = 50);
create index on gateway_incarnations (renewed_at) where closed_at is null;

-- Timelines of this server, by their first sight: a new one means that a standby was promoted (or a backup restored).
create table server_timelines (
  timeline text primary key,
  first_seen_at timestamptz not null default clock_timestamp()
);

-- Credit that one gateway may spend for one API key. free = amount - consumed; it moves only by its own gateway or, once
-- that is fenced, by the caretaker.
create table leases (
  id uuid primary key,
  incarnation_id uuid not null references gateway_incarnations,
  org_id uuid not null,
  project_id uuid not null,
  member_id uuid,
  api_key_id uuid not null,
  -- Its organization's, of which it was cut from first to last (D48).
  enforcement_seq bigint not null default 0,
  amount_nano bigint not null,
  consumed_nano bigint not null default 0 check (consumed_nano between 0 and amount_nano),
  -- What is spent of it costs list price up to here, and beyond it this many millionths of that. Null: list price all the way (D66).
  at_list_nano bigint not null default 0,
  beyond_ppm integer,
  expires_at timestamptz,
  opened_at timestamptz not null default billing_now(),
  closed_at timestamptz,
  closed_reason text
) with (fillfactor = 50);
create index on leases (incarnation_id) where closed_at is null;
create index on leases (org_id) where closed_at is null;

-- From which grants a lease was cut, in burn order; money comes back from the end.
create table lease_slices (
  lease_id uuid not null references leases,
  ordinal integer not null,
  grant_id uuid not null,
  amount_nano bigint not null check (amount_nano >= 0),
  primary key (lease_id, ordinal)
);
create index on lease_slices (grant_id);

-- Settled + leased money under a cap in one period. Moves only with leases, so settlement never touches it.
create table cap_usage (
  cap_id uuid not null references caps on delete cascade,
  period_start timestamptz not null,
  committed_nano bigint not null,
  primary key (cap_id, period_start)
);

-- One row per admitted request, also at charge 0. rated = one ceil of the meters at list price; of that, beyond is what no included credit
-- covered, at beyond_ppm millionths (null: all of it at list price); due = what it costs by that; charge = what the customer paid of it.
create table usage_records (
  request_id uuid primary key,
  org_id uuid not null,
  project_id uuid not null,
  member_id uuid,
  api_key_id uuid not null,
  incarnation_id uuid not null,
  lease_id uuid,
  model_id text not null,
  dialect text not null,
  streamed boolean not null,
  price_version_id uuid not null,
  meters jsonb not null,
  usage_source usage_source not null,
  delivered_bytes byte_count not null default 0,
  rated_nano bigint not null,
  beyond_nano bigint,
  beyond_ppm integer,
  due_nano bigint not null,
  charge_nano bigint not null check (charge_nano between 0 and due_nano),
  outcome request_outcome not null,
  winner smallint,
  transaction_id bigint,
  late boolean not null default false,
  admitted_at timestamptz not null,
  settled_at timestamptz not null default clock_timestamp()
);
create index on usage_records (org_id, admitted_at desc, request_id);
create index on usage_records (api_key_id, admitted_at desc);
-- Which requests a batch has settled. Its numbers only grow, so the index is written at its end.
create index on usage_records (transaction_id) where charge_nano > 0;

-- The end of the answer that a settlement released did not reach the client's socket (exceptions only; a gateway killed
-- right after the commit leaves neither).
create table unsent_ends (
  request_id uuid primary key,
  at timestamptz not null default clock_timestamp()
);

create table attempts (
  request_id uuid not null,
  n smallint not null,
  -- The gateway that sent it, dead or not; a test call has none.
  incarnation_id uuid,
  org_id uuid not null,
  channel_id uuid not null,
  channel_key_id uuid not null,
  model_id text not null,
  upstream_model text not null,
  cost_version_id uuid,
  outcome attempt_outcome not null,
  failure_class text,
  status smallint,
  sent_at timestamptz not null,
  first_byte_ms integer,
  duration_ms integer,
  -- What we owe the provider for it; null until the provider's export says (never guessed).
  cost_nano bigint,
  reconciled_at timestamptz,
  primary key (request_id, n)
);
create index attempts_without_cost on attempts (channel_id, sent_at) where cost_nano is null;

create table ops_losses (
  request_id uuid not null,
  n smallint not null,
  reason text not null check (reason in
    ('orphaned', 'failed_over', 'failed', 'timed_out', 'cut', 'client_gone', 'empty', 'refused', 'unclaimed', 'usage_mismatch', 'estimate_rest', 'quarantined', 'overshoot', 'late')),
  -- 'overshoot' and 'late' are unpaid selling price; every other reason is cost price.
  amount_nano bigint not null,
  transaction_id bigint not null,
  at timestamptz not null default clock_timestamp(),
  primary key (request_id, n, reason)
);

-- Rows of a provider's usage export that could not be reconciled yet: their gateway's journal is not replayed, their attempt has no
-- cost price, or what they say cannot be true (meters null). n = 0: not an attempt id of ours, under an id made of it.
create table usage_export_rows (
  channel_id uuid not null,
  request_id uuid not null,
  n smallint not null,
  upstream_model text not null,
  meters jsonb,
  ended_at timestamptz not null,
  seen_at timestamptz not null default clock_timestamp(),
  primary key (request_id, n)
);
create table usage_export_cursors (
  channel_id uuid primary key,
  cursor text not null,
  -- Every attempt that ended before this moment (of our clock) is in what we have read.
  complete_until timestamptz not null,
  read_at timestamptz not null default clock_timestamp()
);

create table settlement_quarantine (
  id bigint generated always as identity primary key,
  request_id uuid,
  incarnation_id uuid not null,
  record jsonb not null,
  reason text not null,
  charge_nano bigint,
  at timestamptz not null default clock_timestamp(),
  resolved_at timestamptz
);

-- A known request id came again with another charge: nothing was changed, a person must look.
create table settlement_conflicts (
  request_id uuid not null,
  rated_nano bigint not null,
  first_rated_nano bigint not null,
  at timestamptz not null default clock_timestamp()
);

-- Opt-in Idempotency-Key of inference requests, kept 24 h.
create table idempotency_keys (
  api_key_id uuid not null,
  key text not null,
  body_hmac bytea not null,
  request_id uuid not null,
  incarnation_id uuid not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (api_key_id, key)
);

-- Σ = 0, two lines at least, for every transaction but settlement's: there the function that posts it proves it, because
-- this deferred check cost a third of PostgreSQL's time on that path (issue 3); the nightly verifier checks them all.
create function check_balanced() returns trigger language plpgsql as $$
declare total numeric; lines integer;
begin
  select coalesce(sum(amount_nano), 0), count(*) into total, lines from ledger_entries where transaction_id = new.id;
  if total <> 0 or lines < 2 then
    raise exception 'ledger transaction % (%) has % lines that sum to %', new.id, new.kind, lines, total using errcode = 'check_violation';
  end if;
  return null;
end $$;
create constraint trigger balanced after insert on ledger_transactions deferrable initially deferred
  for each row when (new.kind <> 'settlement') execute function check_balanced();

create trigger append_only before update or delete on ledger_transactions for each row execute function refuse_change();
create trigger append_only before update or delete on ledger_entries for each row execute function refuse_change();
create trigger append_only before update or delete on usage_records for each row execute function refuse_change();
create trigger append_only before update or delete on credit_grants for each row execute function refuse_change();
create trigger append_only before update or delete on ops_losses for each row execute function refuse_change();
create trigger append_only before update or delete on enforcement_changes for each row execute function refuse_change();
create trigger not_emptied before truncate on ledger_transactions for each statement execute function refuse_change();
create trigger not_emptied before truncate on ledger_entries for each statement execute function refuse_change();
create trigger not_emptied before truncate on usage_records for each statement execute function refuse_change();
create trigger not_emptied before truncate on credit_grants for each statement execute function refuse_change();
create trigger not_emptied before truncate on ops_losses for each statement execute function refuse_change();
create trigger not_emptied before truncate on enforcement_changes for each statement execute function refuse_change();

-- Credit ends the refusals that gateways remember, so that a top-up works within a second (D1).
create function announce_grant() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into config_changes (kind, target_id) values ('grant', new.org_id::text);
  perform pg_notify('tollgate_config', 'grant:' || new.org_id);
  return null;
end $$;
create trigger announce after insert on credit_grants for each row execute function announce_grant();

grant select on all tables in schema public to tollgate_gateway, tollgate_worker, tollgate_readonly;
revoke select on channel_keys, management_idempotency from tollgate_readonly;
revoke select on management_idempotency from tollgate_gateway;
grant select (id, channel_id, master_key_version, last_four, status, status_reason, status_at, created_at) on channel_keys to tollgate_readonly;
-- From which address somebody came is not for everybody who may read (D83).
revoke select on audit_log from tollgate_gateway, tollgate_readonly;
grant select (id, at, billing_at, actor, action, target_kind, target_id, org_id, before, after, reason, request_id, workflow_id, seq,
              previous_hash, previous_of_org, hash) on audit_log to tollgate_readonly;
grant insert, delete on idempotency_keys to tollgate_gateway;
grant delete on idempotency_keys to tollgate_worker;
grant insert on unsent_ends to tollgate_gateway;
grant insert on gateway_incarnations to tollgate_gateway;
grant insert, update, delete on usage_export_rows, usage_export_cursors to tollgate_worker;
grant update (resolved_at) on settlement_quarantine to tollgate_worker;
