-- What is sold for a time, and what is owed: plans, subscriptions, their periods and invoices, the cases of invoices that were not paid.
-- A process stands in a row as the state of its step in domain/, as JSON; the columns beside it are what others look for it by.

-- Up Migration

-- Never changed: another version takes its place at its effective time (domain/plans.ts).
create table plan_versions (
  id text primary key check (length(id) between 1 and 100),
  plan text not null check (plan in ('free', 'pay_as_you_go', 'pro', 'team', 'enterprise')),
  effective_at timestamptz not null,
  monthly_cents integer not null check (monthly_cents >= 0),
  monthly_credit_cents integer not null check (monthly_credit_cents >= 0),
  seats integer check (seats > 0),
  models text not null check (models in ('basic', 'all')),
  beyond_included_ppm integer not null check (beyond_included_ppm > 0),
  rate_tier text not null default 'standard' references rate_tiers
);
create trigger append_only before update or delete on plan_versions for each row execute function refuse_change();
create trigger not_emptied before truncate on plan_versions for each statement execute function refuse_change();
insert into plan_versions values
  ('free-1', 'free', '-infinity', 0, 0, 1, 'basic', 1050000, 'standard'),
  ('pay_as_you_go-1', 'pay_as_you_go', '-infinity', 0, 0, 1, 'all', 1050000, 'standard'),
  ('pro-1', 'pro', '-infinity', 1900, 2500, 1, 'all', 1000000, 'standard'),
  ('team-1', 'team', '-infinity', 9900, 12000, 5, 'all', 900000, 'high');
alter table organizations add foreign key (plan_version_id) references plan_versions;

-- Every change of an organization's plan, numbered as those of its stage are (enforcement_changes, D49): a lease whose first transaction has a
-- higher number was cut under this plan.
create table plan_changes (
  org_id uuid not null references organizations,
  ledger_number bigint not null,
  plan_version_id text references plan_versions,
  at timestamptz not null default billing_now(),
  primary key (org_id, ledger_number)
);
create trigger append_only before update or delete on plan_changes for each row execute function refuse_change();
create trigger not_emptied before truncate on plan_changes for each statement execute function refuse_change();

-- No plan changes without a record, nor without a number that is higher than before.
create function record_plan() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into plan_changes (org_id, ledger_number, plan_version_id)
    values (new.id, nextval('ledger_transactions_id_seq'), new.plan_version_id);
  return null;
end $$;
create trigger record_plan after update of plan_version_id on organizations
  for each row when (old.plan_version_id is distinct from new.plan_version_id) execute function record_plan();

-- What gateways have leased under one plan is not for requests that come under another.
create trigger recall_for_plan after update of plan_version_id on organizations
  for each row when (old.plan_version_id is distinct from new.plan_version_id) execute function announce_change('recall', 'id');

create table subscriptions (
  id uuid primary key,
  org_id uuid not null references organizations,
  phase text not null check (phase in ('active', 'paying', 'past_due', 'voiding', 'paused', 'ended')),
  -- Of the period paid last.
  plan_version_id text not null references plan_versions,
  -- Subscription of domain/subscription.ts.
  state jsonb not null,
  revision integer not null,
  -- When time alone changes something; null: only an event will.
  wake_at timestamptz,
  -- When its card is asked next, if nobody says otherwise before; null: it is being asked, or no more.
  renews_at timestamptz,
  -- The period that ends then is of a year.
  is_yearly boolean not null default false,
  started_at timestamptz not null default billing_now(),
  ended_at timestamptz,
  check ((phase = 'ended') = (ended_at is not null))
);
create unique index one_live_subscription on subscriptions (org_id) where phase <> 'ended';
create index on subscriptions (renews_at) where is_yearly and renews_at is not null;
create index on subscriptions (wake_at) where phase <> 'ended';
create index on subscriptions (org_id, started_at);

-- What was asked never changes; an invoice goes from open to paid or void, and a void one that is paid all the same stays void: its money
-- goes back. One of usage is open again when a bank transfer that paid it is reversed (0011).
create table invoices (
  id uuid primary key,
  org_id uuid not null references organizations,
  kind text not null check (kind in ('plan', 'usage')),
  -- Of a plan. Its row may not be there yet: the payment of its first invoice makes it.
  subscription_id uuid,
  -- Of the order in its subscription (domain/subscription.ts), or the month of a usage invoice.
  name text not null,
  -- {terms, period}: Order of domain/subscription.ts.
  bought jsonb,
  amount_cents integer not null check (amount_cents > 0),
  -- Of the amount, and what it was reckoned by: Tax of domain/tax.ts.
  tax_cents integer not null default 0 check (tax_cents >= 0 and tax_cents < amount_cents),
  tax jsonb not null default '{"kind": "none"}',
  -- Where Stripe says what the tax is, what it has said (0014). Until then the amount is net, and nobody is asked for it.
  tax_calculation uuid,
  awaits_tax boolean not null generated always as (tax ->> 'kind' = 'stripe_tax' and tax_calculation is null) stored,
  currency text not null default 'usd' check (currency in ('usd')),
  state text not null default 'open' check (state in ('open', 'paid', 'void')),
  issued_at timestamptz not null default billing_now(),
  due_at timestamptz not null default billing_now(),
  closed_at timestamptz,
  check ((kind = 'plan') = (subscription_id is not null)),
  check ((kind = 'plan') = (bought is not null)),
  check ((state = 'open') = (closed_at is null)),
  check (tax_calculation is null or tax ->> 'kind' = 'stripe_tax'),
  check (not awaits_tax or kind = 'plan' and state <> 'paid' and tax_cents = 0)
);
create unique index one_invoice_per_order on invoices (subscription_id, name) where kind = 'plan';
create unique index one_invoice_per_month on invoices (org_id, name) where kind = 'usage';
create index on invoices (org_id, issued_at desc, id desc);

-- Also for the owner of the table. What is asked for changes once at most, by the tax that comes on top.
create function refuse_other_invoice() returns trigger language plpgsql as $$
declare v_taxed boolean := old.awaits_tax and new.tax_calculation is not null and old.state = 'open' and new.state = 'open';
begin
  if v_taxed then
    old.amount_cents := old.amount_cents + new.tax_cents;
    old.tax_cents := new.tax_cents;
    old.tax_calculation := new.tax_calculation;
  end if;
  if not v_taxed and (old.state <> 'open' or new.state = 'open') and (old.kind, old.state, new.state) <> ('usage', 'paid', 'open')
     or (new.id, new.org_id, new.kind, new.subscription_id, new.name, new.bought, new.amount_cents, new.tax_cents, new.tax, new.tax_calculation, new.currency, new.issued_at, new.due_at)
        is distinct from
        (old.id, old.org_id, old.kind, old.subscription_id, old.name, old.bought, old.amount_cents, old.tax_cents, old.tax, old.tax_calculation, old.currency, old.issued_at, old.due_at)
  then raise exception 'invoice % is %: what it asks for never changes', old.id, old.state using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger forward_only before update on invoices for each row execute function refuse_other_invoice();
create trigger append_only before delete on invoices for each row execute function refuse_change();
create trigger not_emptied before truncate on invoices for each statement execute function refuse_change();
alter table payments add foreign key (invoice_id) references invoices;

-- The spans that subscriptions paid for, or were not asked to pay for.
create table subscription_periods (
  id bigint generated always as identity primary key,
  subscription_id uuid not null references subscriptions,
  anchor timestamptz not null,
  first_month integer not null,
  months smallint not null check (months in (1, 12)),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  -- Null: skipped, and nothing was charged for it.
  invoice_id uuid unique references invoices,
  in_force_from timestamptz,
  -- An upgrade took its place then.
  cut_at timestamptz,
  check ((invoice_id is null) = (in_force_from is null))
);
create unique index one_period_at_a_time on subscription_periods (subscription_id, anchor, first_month) where cut_at is null;

-- Included credit whose period was cut: what is not held has gone, and what is held goes when it comes back.
create table grant_voids (
  grant_id uuid primary key references credit_grants,
  at timestamptz not null default billing_now(),
  reason text not null
);
create trigger append_only before update or delete on grant_voids for each row execute function refuse_change();

-- One unpaid invoice from its first reminder to its end.
create table dunnings (
  invoice_id uuid primary key references invoices,
  org_id uuid not null references organizations,
  subscription_id uuid references subscriptions,
  policy text not null check (policy in ('renewal', 'postpaid')),
  -- Dunning of domain/dunning.ts.
  state jsonb not null,
  revision integer not null,
  wake_at timestamptz,
  opened_at timestamptz not null default billing_now(),
  closed text check (closed in ('paid', 'void', 'waived')),
  closed_at timestamptz,
  -- By its workflow, which may come to look more than once.
  is_close_seen boolean not null default false,
  check ((closed is null) = (closed_at is null)),
  check (closed is not null or not is_close_seen)
);
create index on dunnings (org_id) where closed is null;
create index on dunnings (subscription_id, closed_at) where closed = 'void';
create index on dunnings (wake_at) where closed is null;

-- Times for which no customer answers: outages of Stripe, and what a person declared to be one.
create table billing_incidents (
  id uuid primary key default gen_random_uuid(),
  from_at timestamptz not null default billing_now(),
  to_at timestamptz,
  what text not null check (length(what) between 1 and 500),
  declared_by text not null,
  check (to_at > from_at)
);
create index on billing_incidents (to_at);

-- Workflows that have news to look at, or were never started. Delivered by the workers; a second piece of news before it is delivered is
-- the same delivery. Each piece has a number of its own, also after the row was delivered and deleted: whoever delivered an earlier one,
-- however late he says so, deletes no later one.
create sequence process_poke_news;
create table process_pokes (
  workflow_id text primary key,
  process text not null check (process in ('subscription', 'dunning', 'topup', 'refund', 'onboarding', 'rotate:api-key', 'rotate:channel-key', 'rotate:master-key')),
  -- What stands behind it in the workflow's id.
  subject text not null,
  news bigint not null default nextval('process_poke_news'),
  since timestamptz not null default clock_timestamp(),
  due_at timestamptz not null default clock_timestamp(),
  tries integer not null default 0
);
create index on process_pokes (due_at);

-- Credit that a period paid for, once per month of it. What the period cost waits in deferred_plan and comes over in equal parts:
-- p_months_left counts this one. p_id is made of invoice and month, so granting twice is granting once.
create function grant_included(p_id uuid, p_org uuid, p_amount bigint, p_expires timestamptz, p_months_left integer, p_actor text)
returns boolean language plpgsql security definer set search_path = public, pg_temp as $$
declare v_deferred bigint; v_basis bigint;
begin
  perform 1 from organizations o where o.id = p_org for no key update;
  if exists (select from credit_grants g where g.id = p_id) then return false; end if;
  select greatest(0, -coalesce(sum(e.amount_nano), 0)) into v_deferred from ledger_entries e where e.account = 'deferred_plan' and e.org_id = p_org;
  v_basis := v_deferred / p_months_left;
  perform post_transaction('grant', 'grant:' || p_id, 'grant', p_id::text, p_actor,
    open_grant(p_id, p_org, 'included', 10::smallint, p_amount, (v_basis / 10000000)::integer, null, p_expires, null, p_actor)
    || case when v_basis = 0 then '[]'::jsonb else jsonb_build_array(jsonb_build_object('account', 'deferred_plan', 'org', p_org, 'amount', v_basis)) end
    || case when v_basis = p_amount then '[]'::jsonb
            else jsonb_build_array(jsonb_build_object('account', 'deferred_adjust', 'org', p_org, 'amount', p_amount - v_basis)) end);
  return true;
end $$;

-- An upgrade takes the period's place: its included credit ends now (M25). What leases hold of it ends when it comes back.
create function void_included(p_org uuid, p_reason text, p_actor text) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_grant record; v_total bigint := 0;
begin
  perform 1 from organizations o where o.id = p_org for no key update;
  for v_grant in select g.id, b.available_nano from credit_grants g join grant_balances b on b.grant_id = g.id
                  where g.org_id = p_org and g.source = 'included' and (g.expires_at is null or g.expires_at > billing_now())
                    and not exists (select from grant_voids v where v.grant_id = g.id) order by g.id for update of b loop
    insert into grant_voids (grant_id, reason) values (v_grant.id, p_reason);
    continue when v_grant.available_nano = 0;
    update grant_balances set available_nano = 0 where grant_id = v_grant.id;
    perform post_transaction('expiry', 'void:' || v_grant.id, 'grant', v_grant.id::text, p_actor, jsonb_build_array(
      jsonb_build_object('account', 'credit', 'org', p_org, 'grant', v_grant.id, 'amount', v_grant.available_nano, 'balance', 0),
      jsonb_build_object('account', 'breakage', 'org', p_org, 'amount', -v_grant.available_nano)));
    v_total := v_total + v_grant.available_nano;
  end loop;
  perform pg_notify('tollgate_config', 'recall:' || p_org);
  return v_total;
end $$;

-- Something for a workflow to look at; wakes whoever delivers it.
create function poke_process(p_workflow_id text, p_process text, p_subject text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into process_pokes (workflow_id, process, subject) values (p_workflow_id, p_process, p_subject)
    on conflict (workflow_id) do update set news = excluded.news;
  perform pg_notify('tollgate_outbox', 'poke');
end $$;

-- While one is open a case may wait for no moment at all: when it ends, and when it begins, its ladder is another.
create function poke_open_cases() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform poke_process('dunning:' || d.invoice_id, 'dunning', d.invoice_id::text) from dunnings d where d.closed is null;
  return null;
end $$;
create trigger changes_ladders after insert or update or delete on billing_incidents for each statement execute function poke_open_cases();

grant select on plan_versions, plan_changes, subscriptions, invoices, subscription_periods, grant_voids, dunnings, billing_incidents, process_pokes
  to tollgate_gateway, tollgate_worker, tollgate_readonly;
grant insert on plan_versions, subscriptions, invoices, subscription_periods, dunnings, billing_incidents to tollgate_worker;
grant update (phase, plan_version_id, state, revision, wake_at, renews_at, is_yearly, ended_at) on subscriptions to tollgate_worker;
grant update (state, closed_at) on invoices to tollgate_worker;
grant update (cut_at) on subscription_periods to tollgate_worker;
grant update (state, revision, wake_at, closed, closed_at, is_close_seen) on dunnings to tollgate_worker;
grant update (to_at) on billing_incidents to tollgate_worker;
grant update (since, due_at, tries), delete on process_pokes to tollgate_worker;
revoke execute on function grant_included(uuid, uuid, bigint, timestamptz, integer, text), void_included(uuid, text, text),
  poke_process(text, text, text) from public;
grant execute on function grant_included(uuid, uuid, bigint, timestamptz, integer, text), void_included(uuid, text, text),
  poke_process(text, text, text) to tollgate_worker;
