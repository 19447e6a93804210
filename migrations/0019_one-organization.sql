-- What one organization has, whoever calls as a member of it sees alone: the second wall behind the check of each route (D42). A query that
-- forgot to name the organization finds nothing of another one, and a row of another one cannot be written.

-- Up Migration

do $$
begin
  if not exists (select from pg_roles where rolname = 'tollgate_members') then
    create role tollgate_members nologin;
  end if;
exception when duplicate_object or unique_violation then null; -- two databases of one cluster migrate at once
end $$;
-- May do what the management does, to the rows of one organization.
grant tollgate_worker to tollgate_members;

-- Whose member calls. An error where nobody has said so: then no row is anybody's.
create function current_organization() returns uuid language sql stable parallel safe as $$
  select current_setting('tollgate.organization')::uuid
$$;

-- For all other roles grants alone decide, as before: their condition is constant, and PostgreSQL plans as if there were none.
create function keep_apart(of_table regclass, own_rows text) returns void language plpgsql as $$
begin
  execute format('alter table %s enable row level security', of_table);
  execute format('create policy as_granted on %s using (true)', of_table);
  execute format('create policy one_organization on %s as restrictive to tollgate_members using (%s)', of_table, own_rows);
end $$;

select keep_apart('organizations', 'id = current_organization()');
select keep_apart(name::regclass, 'org_id = current_organization()')
  from unnest(array[
    'projects', 'api_keys', 'caps', 'audit_log',
    'ledger_entries', 'credit_grants', 'grant_balances', 'enforcement_changes', 'leases', 'usage_records', 'attempts',
    'stripe_customers', 'payments', 'checkouts', 'refused_refunds', 'payment_methods', 'card_setups', 'top_ups', 'balance_alerts',
    'plan_changes', 'subscriptions', 'invoices', 'dunnings', 'contracts', 'usage_accounts',
    'tax_calculations', 'usage_invoice_drafts', 'tax_refusals', 'tax_transactions',
    'memberships', 'invitations', 'billing_details', 'notifications', 'trial_claims', 'applications'
  ]) name;

-- What hangs on a row that is kept apart is kept apart with it.
select keep_apart(name::regclass, format('%I in (select id from %I)', by, of_table))
  from (values
    ('lease_slices', 'lease_id', 'leases'),
    ('cap_usage', 'cap_id', 'caps'),
    ('refunds', 'payment_id', 'payments'),
    ('captures_in_question', 'payment_id', 'payments'),
    ('charge_attempts', 'payment_id', 'payments'),
    ('charge_cancellations', 'bill_id', 'payments'),
    ('subscription_periods', 'subscription_id', 'subscriptions'),
    ('grant_voids', 'grant_id', 'credit_grants'),
    ('usage_invoices', 'invoice_id', 'invoices'),
    ('bank_transfers', 'invoice_id', 'invoices'),
    ('invoice_payments', 'invoice_id', 'invoices'),
    ('application_revisions', 'application_id', 'applications'),
    ('application_decisions', 'application_id', 'applications'),
    ('application_messages', 'application_id', 'applications'),
    ('welcome_links', 'application_id', 'applications')
  ) hanging (name, by, of_table);
select keep_apart('ledger_transactions', 'exists (select from ledger_entries e where e.transaction_id = id)');
select keep_apart('unsent_ends', 'request_id in (select request_id from usage_records)');
select keep_apart('persons', 'id in (select person_id from memberships)');
select keep_apart('process_commands', $$split_part(workflow_id, ':', 2) in (select id::text from subscriptions)$$);

-- What is no member's.
select keep_apart(name::regclass, 'false')
  from unnest(array[
    'channel_keys', 'idempotency_keys', 'ops_losses', 'usage_export_rows', 'settlement_quarantine', 'settlement_conflicts',
    'stripe_events', 'stripe_event_listing', 'reconciliations', 'mail_verifications', 'staff_roles', 'proposals', 'inbox_claims', 'auth.accounts', 'auth.sessions',
    'auth.known_places', 'auth.sign_ups', 'auth.password_resets', 'auth.attempts', 'auth.second_factors', 'auth.recovery_codes',
    'auth.challenges', 'auth.bootstraps'
  ]) name;

-- Of whoever has that address, in an organization or not: who is invited is written to in his own language.
create function locale_of(address text) returns text language sql stable security definer set search_path = public, pg_temp as $$
  select p.locale from persons p where p.email = address
$$;
revoke execute on function locale_of(text) from public;
grant execute on function locale_of(text) to tollgate_worker;
