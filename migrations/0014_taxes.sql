-- The tax that this installation puts on what it sells, one regime at a time (D74). What was ordered under an earlier one keeps it. Where
-- Stripe says what the tax is, it is asked about what is ordered already and before anybody is asked for the money (D79): what it said is
-- kept here, and what became of the money is a row here until Stripe has it in its reports.

-- Up Migration

create table tax_regimes (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (kind in ('none', 'fixed_rate', 'stripe_tax')),
  rate_ppm integer check (rate_ppm between 1 and 1000000),
  tax_code text,
  effective_at timestamptz not null default billing_moment(),
  made_by text not null,
  check ((kind = 'fixed_rate') = (rate_ppm is not null)),
  check ((kind = 'stripe_tax') = (tax_code is not null))
);
create index on tax_regimes (effective_at);
create trigger append_only before update or delete on tax_regimes for each row execute function refuse_change();
create trigger not_emptied before truncate on tax_regimes for each statement execute function refuse_change();

-- What Stripe said of one sale: the invoice of a plan, an invoice of usage, or the payment of a pack or a top-up.
create table tax_calculations (
  id uuid primary key,
  sale_id uuid not null unique,
  org_id uuid not null references organizations,
  net_cents integer not null check (net_cents > 0),
  tax_code text not null,
  -- The billing details as Stripe was told of them: TaxedAs of services/taxes/stripe-tax.ts.
  billing_version integer not null,
  taxed_as jsonb not null,
  stripe_calculation text not null unique,
  tax_cents integer not null check (tax_cents >= 0),
  breakdown jsonb not null,
  expires_at timestamptz not null,
  calculated_at timestamptz not null default billing_moment()
);
create trigger append_only before update or delete on tax_calculations for each row execute function refuse_change();
create trigger not_emptied before truncate on tax_calculations for each statement execute function refuse_change();
alter table payments add foreign key (tax_calculation) references tax_calculations;
alter table invoices add foreign key (tax_calculation) references tax_calculations;

-- An invoice of usage that waits for its tax: what was used goes on growing, and a calculation is of one amount.
create table usage_invoice_drafts (
  org_id uuid primary key references organizations,
  -- Another one when the billing details have changed since its tax was asked for.
  invoice_id uuid not null unique,
  month text not null,
  net_cents integer not null check (net_cents > 0),
  usage_nano bigint not null check (usage_nano > 0),
  lines jsonb not null,
  -- Tally of services/postpaid/usage-accounts.ts.
  counted_from timestamptz not null,
  counted jsonb not null,
  tax_code text not null
);

-- What is ordered, and Stripe has not said what the tax on it is.
create view taxes_awaited as
  select id as sale_id, org_id, amount_cents as net_cents, tax ->> 'taxCode' as tax_code from invoices
   where state = 'open' and awaits_tax
  union all
  select id, org_id, amount_cents, tax_code from payments
   where state = 'open' and invoice_id is null and awaits_tax
  union all
  select d.invoice_id, d.org_id, d.net_cents, d.tax_code from usage_invoice_drafts d
   where not exists (select from tax_calculations c where c.sale_id = d.invoice_id);

-- Whose address Stripe does not take, since when: nobody is charged meanwhile, and a person is told of it.
create table tax_refusals (
  sale_id uuid primary key,
  org_id uuid not null references organizations,
  why text not null,
  since timestamptz not null default billing_now()
);

-- Freezes the tax of a sale with what it was reckoned by. 'changed': the billing details are not those that Stripe was asked with, and it has
-- to be asked again; 'over': the tax is known already, or nobody wants the money any more.
create function keep_tax(p_id uuid, p_sale uuid, p_version integer, p_taxed_as jsonb, p_stripe text, p_tax_cents integer, p_breakdown jsonb, p_expires timestamptz)
returns text language plpgsql security definer set search_path = public, pg_temp as $$
declare v_awaited taxes_awaited;
begin
  perform 1 from organizations o where o.id = (select t.org_id from taxes_awaited t where t.sale_id = p_sale) for no key update;
  select * into v_awaited from taxes_awaited t where t.sale_id = p_sale;
  if not found then return 'over'; end if;
  if p_version <> coalesce((select d.version from billing_details d where d.org_id = v_awaited.org_id), 1) then return 'changed'; end if;
  insert into tax_calculations (id, sale_id, org_id, net_cents, tax_code, billing_version, taxed_as, stripe_calculation, tax_cents, breakdown, expires_at)
    values (p_id, p_sale, v_awaited.org_id, v_awaited.net_cents, v_awaited.tax_code, p_version, p_taxed_as, p_stripe, p_tax_cents, p_breakdown, p_expires);
  update invoices set amount_cents = amount_cents + p_tax_cents, tax_cents = p_tax_cents, tax_calculation = p_id where id = p_sale;
  update payments set amount_cents = amount_cents + p_tax_cents, tax_cents = p_tax_cents, tax_calculation = p_id
   where p_sale in (id, invoice_id) and state = 'open' and tax_calculation is null;
  delete from tax_refusals where sale_id = p_sale;
  return 'kept';
end $$;

-- What Stripe's reports have to be told, in the transaction in which it happened: a sale, what went back of one, and what came back to us
-- because a refund failed. Its id is the reference at Stripe: of a payment, an invoice of usage, or a refund.
create table tax_transactions (
  id uuid primary key,
  org_id uuid not null references organizations,
  kind text not null check (kind in ('sale', 'reversal', 'restored')),
  calculation uuid not null references tax_calculations,
  -- The sale.
  of_sale uuid references tax_transactions,
  net_cents integer not null check (net_cents >= 0),
  tax_cents integer not null check (tax_cents >= 0),
  -- Of which it is booked: that of the sale, while Stripe has it, or one that was made since. Null: there is none, or it is a reversal.
  stripe_calculation text,
  -- Null once it is told: the answer in which Stripe named it was lost, and it says only that it has it.
  stripe_transaction text unique,
  stripe_line text,
  told_at timestamptz,
  tries integer not null default 0,
  -- Kept by Stripe under the key of the row: it is asked again under another.
  faults integer not null default 0,
  due_at timestamptz not null default clock_timestamp(),
  error text,
  at timestamptz not null default billing_moment(),
  check ((kind = 'sale') = (of_sale is null)),
  check (stripe_transaction is null or told_at is not null)
);
create index on tax_transactions (due_at) where told_at is null;
create trigger append_only before delete on tax_transactions for each row execute function refuse_change();
create trigger not_emptied before truncate on tax_transactions for each statement execute function refuse_change();

-- Of a payment that is paid, or an invoice of usage that is made out: the tax on usage is owed from then on.
create function tell_of_sale() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into tax_transactions (id, org_id, kind, calculation, net_cents, tax_cents, stripe_calculation)
    select new.id, new.org_id, 'sale', c.id, new.amount_cents - new.tax_cents, new.tax_cents, c.stripe_calculation from tax_calculations c where c.id = new.tax_calculation;
  return null;
end $$;
create trigger tell_taxes after update of state on payments
  for each row when (new.state = 'paid' and old.state <> 'paid' and new.tax_calculation is not null) execute function tell_of_sale();
create trigger tell_taxes after insert on invoices
  for each row when (new.kind = 'usage' and new.tax_calculation is not null) execute function tell_of_sale();

-- Only once the money has gone: until then the refund may fail. One that fails after that is told of as a sale of so much.
create function tell_of_refund() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if new.state = 'succeeded' then
    insert into tax_transactions (id, org_id, kind, calculation, of_sale, net_cents, tax_cents)
      select new.id, t.org_id, 'reversal', t.calculation, t.id, new.amount_cents - new.tax_cents, new.tax_cents
        from tax_transactions t where t.id = new.payment_id on conflict do nothing;
  else
    insert into tax_transactions (id, org_id, kind, calculation, of_sale, net_cents, tax_cents)
      select gen_random_uuid(), t.org_id, 'restored', t.calculation, t.of_sale, t.net_cents, t.tax_cents from tax_transactions t where t.id = new.id;
  end if;
  return null;
end $$;
create trigger tell_taxes after update of state on refunds
  for each row when (new.state <> old.state and new.state in ('succeeded', 'failed')) execute function tell_of_refund();

grant select on tax_regimes, taxes_awaited, tax_refusals, tax_transactions to tollgate_worker, tollgate_readonly;
grant select, insert, update, delete on usage_invoice_drafts to tollgate_worker;
grant select on tax_calculations to tollgate_worker;
-- To whom it was sold stays unread (D52).
grant select (id, sale_id, org_id, net_cents, tax_code, billing_version, stripe_calculation, tax_cents, breakdown, expires_at, calculated_at) on tax_calculations to tollgate_readonly;
grant insert (kind, rate_ppm, tax_code, made_by) on tax_regimes to tollgate_worker;
grant insert (sale_id, org_id, why), update (why) on tax_refusals to tollgate_worker;
grant update (stripe_calculation, stripe_transaction, stripe_line, told_at, tries, faults, due_at, error) on tax_transactions to tollgate_worker;
revoke execute on function keep_tax(uuid, uuid, integer, jsonb, text, integer, jsonb, timestamptz) from public;
grant execute on function keep_tax(uuid, uuid, integer, jsonb, text, integer, jsonb, timestamptz) to tollgate_worker;
