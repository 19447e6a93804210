-- Enterprises that pay afterwards. A credit line is lent as grants, so whoever admits and leases knows nothing of it (D59); what was used of
-- it is invoiced once a month, and what is paid of an invoice is lent again.

-- Up Migration

create table contracts (
  id uuid primary key,
  org_id uuid not null references organizations,
  -- 0: it pays in advance, under terms of its own.
  credit_line_cents integer not null check (credit_line_cents between 0 and 1000000000),
  -- From the issue of an invoice to the day that it is due.
  net_days smallint not null check (net_days between 0 and 120),
  -- What it agrees on beside credit: a version of its own.
  plan_version_id text not null unique references plan_versions,
  effective_at timestamptz not null default billing_now(),
  ended_at timestamptz,
  made_by text not null,
  note text check (length(note) between 1 and 500),
  version integer not null default 1
);
create unique index one_contract_in_force on contracts (org_id) where ended_at is null;

-- How far the usage of an organization is on invoices. Money is not counted here: these are the lines (D60).
create table usage_accounts (
  org_id uuid primary key references organizations,
  -- The first of a month, UTC; null: nothing is lent.
  next_invoice_at timestamptz,
  -- What an invoice has told of, or came before there were any: the tally of what was admitted from then on, as [{projectId, modelId,
  -- priceVersionId, requests, nano}].
  counted_from timestamptz not null,
  counted jsonb not null
);
create index on usage_accounts (next_invoice_at);

-- Numbers are drawn under this lock and go back with their transaction: no gap.
create table invoice_numbers (
  year smallint,
  -- Another one since each restore (0030).
  series text not null,
  last integer not null check (last > 0),
  primary key (year, series)
);

-- What an invoice of usage says beyond the row in invoices, frozen.
create table usage_invoices (
  invoice_id uuid primary key references invoices,
  year smallint not null,
  series text not null default '',
  number_in_year integer not null,
  number text not null generated always as (year || '-' || case series when '' then '' else series || '-' end || lpad(number_in_year::text, 6, '0')) stored,
  usage_nano bigint not null check (usage_nano > 0),
  -- At most half a cent: usage + rounding + tax = total.
  rounding_nano bigint not null check (rounding_nano between -5000000 and 5000000),
  -- [{kind, projectId, project, modelId, priceVersionId, requests, amountNano}], which add up to the usage.
  lines jsonb not null check (jsonb_typeof(lines) = 'array'),
  -- BillingSnapshot of services/people/billing-details.ts.
  bill_to jsonb not null,
  transaction_id bigint not null unique references ledger_transactions,
  unique (year, series, number_in_year)
);

create table bank_transfers (
  id uuid primary key,
  invoice_id uuid not null references invoices,
  amount_cents integer not null check (amount_cents > 0),
  -- As on the statement of the bank.
  reference text not null check (length(reference) between 1 and 140),
  received_on date not null,
  recorded_by text not null,
  recorded_at timestamptz not null default billing_now(),
  transaction_id bigint not null unique references ledger_transactions,
  reversed_at timestamptz,
  reversal_id bigint unique references ledger_transactions,
  check ((reversed_at is null) = (reversal_id is null))
);
create unique index one_transfer_per_reference on bank_transfers (invoice_id, reference) where reversed_at is null;

-- What came in for an invoice of usage, by whatever way: what is not reversed and the rest that remains are its total.
create table invoice_payments (
  source_id uuid primary key,
  source text not null check (source in ('payment', 'bank_transfer')),
  invoice_id uuid not null references invoices,
  cents integer not null check (cents > 0),
  reversed boolean not null default false
);
create index on invoice_payments (invoice_id);

create trigger append_only before update or delete on usage_invoices for each row execute function refuse_change();
create trigger not_emptied before truncate on usage_invoices for each statement execute function refuse_change();
create trigger append_only before delete on bank_transfers for each row execute function refuse_change();
create trigger not_emptied before truncate on bank_transfers for each statement execute function refuse_change();
create trigger append_only before delete on invoice_payments for each row execute function refuse_change();
create trigger not_emptied before truncate on invoice_payments for each statement execute function refuse_change();

-- What is lent and not paid back: free, leased, used, and invoiced.
create function lent_and_owed(p_org uuid) returns bigint language sql stable security definer set search_path = public, pg_temp as $$
  select coalesce(sum(e.amount_nano), 0)::bigint from ledger_entries e where e.org_id = p_org and e.account in ('credit_line', 'receivable')
$$;

-- Of a lease, what it has not spent of each slice: it spends them in their order.
create function unspent_slices(p_org uuid) returns table (grant_id uuid, unspent_nano bigint)
language sql stable security definer set search_path = public, pg_temp as $$
  select s.grant_id, greatest(0, least(s.amount_nano, s.upto - s.consumed_nano))::bigint
    from (select s.grant_id, s.amount_nano, l.consumed_nano, sum(s.amount_nano) over (partition by l.id order by s.ordinal) as upto
            from leases l join lease_slices s on s.lease_id = l.id where l.org_id = p_org and l.closed_at is null) s
$$;

-- What was used of the credit line and stands on no invoice. Exact while gateways settle: one snapshot, and what else moves credit holds
-- the organization, as the caller does.
create function unbilled_of(p_org uuid) returns bigint language sql stable security definer set search_path = public, pg_temp as $$
  select (coalesce((select sum(e.amount_nano) from ledger_entries e where e.org_id = p_org and e.account = 'credit_line'), 0)
        - coalesce((select sum(b.available_nano) from credit_grants g join grant_balances b on b.grant_id = g.id
                     where g.org_id = p_org and g.source = 'credit_line'), 0)
        - coalesce((select sum(u.unspent_nano) from unspent_slices(p_org) u join credit_grants g on g.id = u.grant_id
                     where g.source = 'credit_line'), 0))::bigint
$$;

-- What requests admitted from then on were charged, as lines of an invoice.
create function usage_tally(p_org uuid, p_from timestamptz)
returns table (project_id uuid, model_id text, price_version_id uuid, requests bigint, nano bigint)
language sql stable security definer set search_path = public, pg_temp as $$
  select u.project_id, u.model_id, u.price_version_id, count(*), sum(u.charge_nano)::bigint
    from usage_records u where u.org_id = p_org and u.admitted_at >= p_from group by 1, 2, 3
$$;

-- Lends what a credit line allows beyond what is lent and owed, or takes back what is above it: what is free at once, what leases hold
-- when it comes back. Without a contract the line is 0. Whoever changes the line or what is owed calls it, in the same transaction, so
-- that line = free + leased + used + invoiced at every moment (M35). Caller holds the organization.
create function level_credit_line(p_org uuid, p_actor text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_more bigint := coalesce((select c.credit_line_cents * 10000000::bigint from contracts c where c.org_id = p_org and c.ended_at is null), 0)
                   - lent_and_owed(p_org);
  v_id uuid := gen_random_uuid(); v_free record; v_voided integer;
begin
  if v_more > 0 then
    perform post_transaction('grant', 'grant:' || v_id, 'grant', v_id::text, p_actor,
      jsonb_build_array(jsonb_build_object('account', 'credit_line', 'org', p_org, 'amount', v_more))
      || open_grant(v_id, p_org, 'credit_line', 30::smallint, v_more, 0, null, null, null, p_actor));
  end if;
  if v_more >= 0 then return; end if;
  v_free := cut_grants(array(select b.grant_id from credit_grants g join grant_balances b on b.grant_id = g.id
                              where g.org_id = p_org and g.source = 'credit_line' and b.available_nano > 0 order by g.created_at desc, g.id desc), -v_more);
  if v_free.cut_nano > 0 then
    perform post_transaction('expiry', 'line-cut:' || v_id, 'organization', p_org::text, p_actor,
      v_free.entries || jsonb_build_object('account', 'credit_line', 'org', p_org, 'amount', -v_free.cut_nano));
  end if;
  if v_free.cut_nano < -v_more then
    insert into grant_voids (grant_id, reason)
      select distinct g.id, 'the credit line was cut' from unspent_slices(p_org) u join credit_grants g on g.id = u.grant_id
       where g.source = 'credit_line' and u.unspent_nano > 0 on conflict do nothing;
    get diagnostics v_voided = row_count;
    if v_voided > 0 then perform pg_notify('tollgate_config', 'recall:' || p_org); end if;
  end if;
end $$;

-- What an invoice of usage still wants, in cents.
create function remaining_of(p_invoice uuid) returns integer language sql stable security definer set search_path = public, pg_temp as $$
  select i.amount_cents - coalesce((select sum(p.cents) from invoice_payments p where p.invoice_id = i.id and not p.reversed), 0)::integer
    from invoices i where i.id = p_invoice and i.kind = 'usage'
$$;

-- One payment waits for the rest of an invoice. Whoever pays by an earlier one all the same gets back what was not owed any more.
create function ask_for_rest(p_invoice uuid, p_actor text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update payments p set state = 'expired' where p.invoice_id = p_invoice and p.state = 'open';
  insert into payments (id, org_id, purpose, invoice_id, amount_cents, requested_by)
    select gen_random_uuid(), i.org_id, 'invoice', i.id, remaining_of(i.id), p_actor
      from invoices i where i.id = p_invoice and remaining_of(i.id) > 0;
end $$;

-- Invoices what was used: Dr receivable / Cr credit_line, the rounding to cents, and the tax on it, which is owed from now on and counts
-- against the credit line like all that is owed (D73). Returns its number. Caller holds the organization.
create function post_usage_invoice(p_invoice uuid, p_org uuid, p_month text, p_due timestamptz, p_total_cents integer, p_tax_cents integer,
                                   p_tax jsonb, p_calculation uuid, p_usage bigint, p_lines jsonb, p_bill_to jsonb, p_actor text)
returns text language plpgsql security definer set search_path = public, pg_temp as $$
declare v_rounding bigint := (p_total_cents - p_tax_cents) * 10000000::bigint - p_usage; v_year smallint; v_series text := number_series(); v_in_year integer; v_number text; v_tx bigint;
begin
  if p_usage <> (select sum((l ->> 'amountNano')::bigint) from jsonb_array_elements(p_lines) l) then
    raise exception 'the lines of invoice % are not %', p_invoice, p_usage using errcode = 'check_violation';
  end if;
  v_tx := post_transaction('invoice', 'invoice:' || p_invoice, 'invoice', p_invoice::text, p_actor,
    jsonb_build_array(jsonb_build_object('account', 'receivable', 'org', p_org, 'amount', p_total_cents * 10000000::bigint),
                      jsonb_build_object('account', 'credit_line', 'org', p_org, 'amount', -p_usage))
    || case when v_rounding = 0 then '[]'::jsonb
            else jsonb_build_array(jsonb_build_object('account', 'rounding', 'org', p_org, 'amount', -v_rounding)) end
    || case when p_tax_cents = 0 then '[]'::jsonb
            else jsonb_build_array(jsonb_build_object('account', 'tax_payable', 'org', p_org, 'amount', -p_tax_cents * 10000000::bigint)) end);
  insert into invoices (id, org_id, kind, name, amount_cents, tax_cents, tax, tax_calculation, due_at)
    values (p_invoice, p_org, 'usage', p_month, p_total_cents, p_tax_cents, p_tax, p_calculation, p_due)
    returning extract(year from issued_at at time zone 'UTC') into v_year;
  insert into invoice_numbers values (v_year, v_series, 1) on conflict (year, series) do update set last = invoice_numbers.last + 1 returning last into v_in_year;
  insert into usage_invoices (invoice_id, year, series, number_in_year, usage_nano, rounding_nano, lines, bill_to, transaction_id)
    values (p_invoice, v_year, v_series, v_in_year, p_usage, v_rounding, p_lines, p_bill_to, v_tx) returning number into v_number;
  perform ask_for_rest(p_invoice, p_actor);
  perform level_credit_line(p_org, p_actor);
  insert into audit_log (actor, action, target_kind, target_id, org_id, after)
    values (p_actor, 'invoice.issued', 'invoice', p_invoice::text, p_org, jsonb_build_object('orgId', p_org, 'number', v_number, 'amountCents', p_total_cents));
  return v_number;
end $$;

-- Counts money for an invoice of usage, at most what it wants, and returns how much; 0 for any other invoice. The entries are the caller's,
-- who also levels the line.
create function pay_usage_invoice(p_invoice uuid, p_source text, p_source_id uuid, p_cents bigint) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_taken bigint := least(p_cents, coalesce(remaining_of(p_invoice), 0));
begin
  if v_taken > 0 then
    insert into invoice_payments (source_id, source, invoice_id, cents) values (p_source_id, p_source, p_invoice, v_taken);
    update invoices set state = 'paid', closed_at = billing_now() where id = p_invoice and remaining_of(id) = 0;
  end if;
  return v_taken;
end $$;

-- What a person read on a statement of the bank. Never more than the invoice wants.
create function record_bank_transfer(p_id uuid, p_invoice uuid, p_cents integer, p_reference text, p_received_on date, p_actor text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_org uuid := (select i.org_id from invoices i where i.id = p_invoice); v_tx bigint;
begin
  perform 1 from organizations o where o.id = v_org for no key update;
  if p_cents > remaining_of(p_invoice) then
    raise exception 'invoice % wants % cents', p_invoice, remaining_of(p_invoice) using errcode = 'check_violation';
  end if;
  v_tx := post_transaction('bank_transfer', 'bank-transfer:' || p_id, 'bank_transfer', p_id::text, p_actor, jsonb_build_array(
    jsonb_build_object('account', 'bank', 'org', v_org, 'amount', p_cents * 10000000::bigint),
    jsonb_build_object('account', 'receivable', 'org', v_org, 'amount', -p_cents * 10000000::bigint)));
  insert into bank_transfers (id, invoice_id, amount_cents, reference, received_on, recorded_by, transaction_id)
    values (p_id, p_invoice, p_cents, p_reference, p_received_on, p_actor, v_tx);
  perform pay_usage_invoice(p_invoice, 'bank_transfer', p_id, p_cents);
  perform ask_for_rest(p_invoice, p_actor);
  perform level_credit_line(v_org, p_actor);
end $$;

-- The bank took it back, or it was recorded by mistake: the invoice wants the money again. False: it was reversed before.
create function reverse_bank_transfer(p_id uuid, p_actor text) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_org uuid; v_transfer bank_transfers; v_tx bigint;
begin
  select i.org_id into v_org from bank_transfers b join invoices i on i.id = b.invoice_id where b.id = p_id;
  perform 1 from organizations o where o.id = v_org for no key update;
  select * into v_transfer from bank_transfers b where b.id = p_id;
  if v_transfer.reversed_at is not null then return false; end if;
  v_tx := post_transaction('reversal', 'bank-transfer-reversed:' || p_id, 'bank_transfer', p_id::text, p_actor, jsonb_build_array(
    jsonb_build_object('account', 'receivable', 'org', v_org, 'amount', v_transfer.amount_cents * 10000000::bigint),
    jsonb_build_object('account', 'bank', 'org', v_org, 'amount', -v_transfer.amount_cents * 10000000::bigint)));
  update bank_transfers set reversed_at = billing_now(), reversal_id = v_tx where id = p_id;
  update invoice_payments set reversed = true where source_id = p_id;
  update invoices set state = 'open', closed_at = null where id = v_transfer.invoice_id and state = 'paid';
  perform ask_for_rest(v_transfer.invoice_id, p_actor);
  perform level_credit_line(v_org, p_actor);
  return true;
end $$;

grant select on contracts, usage_accounts, invoice_numbers, bank_transfers, invoice_payments to tollgate_worker, tollgate_readonly;
grant select on usage_invoices to tollgate_worker;
-- To whom it is made out stays unread (D52).
grant select (invoice_id, number, year, series, number_in_year, usage_nano, rounding_nano, lines, transaction_id) on usage_invoices to tollgate_readonly;
grant insert (id, org_id, credit_line_cents, net_days, plan_version_id, made_by, note), update (credit_line_cents, ended_at, version) on contracts to tollgate_worker;
grant insert, update on usage_accounts to tollgate_worker;
revoke execute on function lent_and_owed(uuid), unspent_slices(uuid), unbilled_of(uuid), usage_tally(uuid, timestamptz), level_credit_line(uuid, text),
  remaining_of(uuid), ask_for_rest(uuid, text), post_usage_invoice(uuid, uuid, text, timestamptz, integer, integer, jsonb, uuid, bigint, jsonb, jsonb, text),
  pay_usage_invoice(uuid, text, uuid, bigint), record_bank_transfer(uuid, uuid, integer, text, date, text), reverse_bank_transfer(uuid, text)
  from public;
grant execute on function unspent_slices(uuid), unbilled_of(uuid), usage_tally(uuid, timestamptz), level_credit_line(uuid, text), remaining_of(uuid),
  post_usage_invoice(uuid, uuid, text, timestamptz, integer, integer, jsonb, uuid, bigint, jsonb, jsonb, text),
  record_bank_transfer(uuid, uuid, integer, text, date, text), reverse_bank_transfer(uuid, text)
  to tollgate_worker;
