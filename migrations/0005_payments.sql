-- Money in. What was asked for is a row before Stripe hears of it, and record_payment alone turns a capture into credit: whoever learns
-- of one (a webhook, the listing of events, later a charge or a reconciler) calls it, and it counts once.

-- Up Migration

create table stripe_customers (
  org_id uuid primary key references organizations,
  stripe_customer text not null unique,
  created_at timestamptz not null default billing_now()
);

-- What was asked never changes; the state moves forward: open -> paid, open -> expired, and expired -> paid when the money came all
-- the same. What a payment buys stands here and not in a price list that may have changed when it is paid.
create table payments (
  id uuid primary key,
  org_id uuid not null references organizations,
  purpose text not null check (purpose in ('pack')),
  pack text not null,
  amount_cents integer not null check (amount_cents > 0),
  currency text not null default 'usd' check (currency in ('usd')),
  credit_nano bigint not null check (credit_nano > 0),
  bonus_nano bigint not null check (bonus_nano >= 0),
  state text not null default 'open' check (state in ('open', 'paid', 'expired')),
  stripe_payment_intent text unique,
  transaction_id bigint unique references ledger_transactions,
  requested_by text not null,
  created_at timestamptz not null default billing_now(),
  paid_at timestamptz,
  check ((state = 'paid') = (stripe_payment_intent is not null)),
  check ((state = 'paid') = (transaction_id is not null)),
  check ((state = 'paid') = (paid_at is not null))
);
create index on payments (org_id, created_at desc, id desc);
alter table credit_grants add foreign key (payment_id) references payments;

-- Also for the owner of the table.
create function refuse_other_than_forward() returns trigger language plpgsql as $$
begin
  if old.state = 'paid' or new.state = 'open'
     or (new.id, new.org_id, new.purpose, new.pack, new.amount_cents, new.currency, new.credit_nano, new.bonus_nano, new.requested_by, new.created_at)
        is distinct from
        (old.id, old.org_id, old.purpose, old.pack, old.amount_cents, old.currency, old.credit_nano, old.bonus_nano, old.requested_by, old.created_at)
  then raise exception 'payment % is %: what was asked and what was paid never change', old.id, old.state using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger forward_only before update on payments for each row execute function refuse_other_than_forward();
create trigger append_only before delete on payments for each row execute function refuse_change();
create trigger not_emptied before truncate on payments for each statement execute function refuse_change();

-- The page on which somebody may pay. One is open per organization and purpose: a second click finds it. Without a session Stripe has
-- not answered yet, and is asked again with the same words.
create table checkouts (
  payment_id uuid primary key references payments,
  org_id uuid not null references organizations,
  purpose text not null,
  stripe_session text unique,
  url text,
  expires_at timestamptz not null,
  closed_at timestamptz,
  check ((stripe_session is null) = (url is null))
);
create unique index one_open_checkout on checkouts (org_id, purpose) where closed_at is null;

-- Money that Stripe took and that we did not ask for in this way: nobody is credited, a person decides.
create table captures_in_question (
  stripe_payment_intent text primary key,
  payment_id uuid not null references payments,
  amount_cents bigint not null,
  currency text not null,
  reason text not null,
  at timestamptz not null default clock_timestamp(),
  resolved_at timestamptz
);

-- An event is a hint: what it is about is fetched when it is processed, in any order and as often as it comes.
create table stripe_events (
  id text primary key,
  type text not null,
  payload jsonb not null,
  received_at timestamptz not null default clock_timestamp(),
  due_at timestamptz not null default clock_timestamp(),
  tries integer not null default 0,
  processed_at timestamptz,
  error text
);
create index on stripe_events (due_at) where processed_at is null;

-- Up to which moment of Stripe's clock all events have been read by listing them. One row, none before the first listing.
create table stripe_event_listing (
  is_the_only boolean primary key default true check (is_the_only),
  read_until timestamptz not null
);

-- Returns 'recorded'; 'known': by this intent, earlier; 'in_question': another amount, currency or a second capture, kept for a person;
-- 'not_ours': no such payment. A bonus is opened first, as it burns first: it is also the first to repay what the customer owes.
create function record_payment(p_payment uuid, p_intent text, p_amount_cents bigint, p_currency text, p_actor text) returns text
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_payment payments; v_reason text; v_entries jsonb := '[]'; v_paid bigint := p_amount_cents * 10000000; v_adjust bigint; v_tx bigint;
begin
  perform 1 from organizations o where o.id = (select p.org_id from payments p where p.id = p_payment) for no key update;
  select * into v_payment from payments p where p.id = p_payment for update;
  if not found then return 'not_ours'; end if;
  if v_payment.stripe_payment_intent = p_intent then return 'known'; end if;
  v_reason := case
    when v_payment.state = 'paid' then format('it was paid by %s already', v_payment.stripe_payment_intent)
    when (p_amount_cents, p_currency) is distinct from (v_payment.amount_cents::bigint, v_payment.currency)
      then format('%s %s were asked for', v_payment.amount_cents, v_payment.currency)
  end;
  if v_reason is not null then
    insert into captures_in_question values (p_intent, p_payment, p_amount_cents, p_currency, v_reason) on conflict do nothing;
    return 'in_question';
  end if;

  if v_payment.bonus_nano > 0 then
    v_entries := open_grant(gen_random_uuid(), v_payment.org_id, 'bonus', 20::smallint, v_payment.bonus_nano, 0, p_payment,
                            billing_now() + interval '12 months', null, p_actor);
  end if;
  v_entries := v_entries || open_grant(gen_random_uuid(), v_payment.org_id, 'pack', 20::smallint, v_payment.credit_nano, v_payment.amount_cents,
                                       p_payment, null, null, p_actor);
  v_entries := v_entries || jsonb_build_object('account', 'stripe_clearing', 'org', v_payment.org_id, 'amount', v_paid);
  v_adjust := v_payment.credit_nano + v_payment.bonus_nano - v_paid;
  if v_adjust <> 0 then
    v_entries := v_entries || jsonb_build_object('account', 'deferred_adjust', 'org', v_payment.org_id, 'amount', v_adjust);
  end if;
  v_tx := post_transaction('payment', 'payment:' || p_intent, 'payment', p_payment::text, p_actor, v_entries);

  update payments set state = 'paid', stripe_payment_intent = p_intent, transaction_id = v_tx, paid_at = billing_now() where id = p_payment;
  update checkouts set closed_at = billing_now() where payment_id = p_payment and closed_at is null;
  insert into audit_log (actor, action, target_kind, target_id, after)
    values (p_actor, 'payment.recorded', 'payment', p_payment::text,
            jsonb_build_object('orgId', v_payment.org_id, 'amountCents', p_amount_cents, 'stripePaymentIntent', p_intent));
  return 'recorded';
end $$;

-- Nobody will pay on this page any more. Should money come all the same, it is recorded.
create function close_checkout(p_payment uuid) returns void
language sql security definer set search_path = public, pg_temp as $$
  update payments set state = 'expired' where id = p_payment and state = 'open';
  update checkouts set closed_at = billing_now() where payment_id = p_payment and closed_at is null
$$;

grant select on stripe_customers, payments, checkouts, captures_in_question, stripe_event_listing to tollgate_worker, tollgate_readonly;
grant select on stripe_events to tollgate_worker;
-- Names and addresses of who paid stand in the payload.
grant select (id, type, received_at, due_at, tries, processed_at, error) on stripe_events to tollgate_readonly;
grant insert on stripe_customers, checkouts, stripe_events, stripe_event_listing to tollgate_worker;
grant insert (id, org_id, purpose, pack, amount_cents, credit_nano, bonus_nano, requested_by) on payments to tollgate_worker;
grant update (stripe_session, url) on checkouts to tollgate_worker;
grant update (due_at, tries, processed_at, error) on stripe_events to tollgate_worker;
grant update on stripe_event_listing to tollgate_worker;
grant update (resolved_at) on captures_in_question to tollgate_worker;
revoke execute on function record_payment(uuid, text, bigint, text, text), close_checkout(uuid) from public;
grant execute on function record_payment(uuid, text, bigint, text, text), close_checkout(uuid) to tollgate_worker;
