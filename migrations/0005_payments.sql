-- Money in. What was asked for is a row before Stripe hears of it, and record_payment alone turns a capture into credit: whoever learns
-- of one (a webhook, the listing of events, later a charge or a reconciler) calls it, and it counts once.

-- Up Migration

create table stripe_customers (
  org_id uuid primary key references organizations,
  stripe_customer text not null unique,
  created_at timestamptz not null default billing_now()
);

-- What was asked never changes; the state moves forward: open -> paid, open -> expired, and expired -> paid when the money came all
-- the same. What a payment buys stands here and not in a price list that may have changed when it is paid: a pack or a top-up brings
-- credit, an invoice (0009) is paid by it. A second capture for one that is paid is a payment of its own (D72), which buys nothing and goes back.
create table payments (
  id uuid primary key,
  org_id uuid not null references organizations,
  purpose text not null check (purpose in ('pack', 'invoice', 'top_up', 'second_capture')),
  pack text,
  invoice_id uuid,
  -- Its number in its organization (0012).
  top_up integer check (top_up > 0),
  second_of uuid references payments,
  -- What a card is asked for without a page (0010): the invoice, or the top-up, which has this one payment.
  bill_id uuid generated always as (case purpose when 'invoice' then invoice_id when 'top_up' then id end) stored,
  amount_cents integer not null check (amount_cents > 0),
  -- Of the amount; that of an invoice of usage is booked with the invoice.
  tax_cents integer not null default 0 check (tax_cents >= 0 and tax_cents < amount_cents),
  -- Where Stripe says what the tax is, as what it is sold there. Until a calculation has said it (0014) the amount is net, and nobody is asked for it.
  tax_code text,
  tax_calculation uuid,
  awaits_tax boolean not null generated always as (tax_code is not null and tax_calculation is null) stored,
  currency text not null default 'usd' check (currency in ('usd')),
  credit_nano bigint not null default 0 check (credit_nano >= 0),
  bonus_nano bigint not null default 0 check (bonus_nano >= 0),
  state text not null default 'open' check (state in ('open', 'paid', 'expired')),
  -- Of a page, known when it was paid; of an invoice, before its card is asked.
  stripe_payment_intent text unique,
  transaction_id bigint unique references ledger_transactions,
  requested_by text not null,
  created_at timestamptz not null default billing_now(),
  paid_at timestamptz,
  check ((purpose = 'pack') = (pack is not null)),
  check ((purpose = 'invoice') = (invoice_id is not null)),
  check ((purpose = 'top_up') = (top_up is not null)),
  check ((purpose = 'second_capture') = (second_of is not null)),
  check (purpose <> 'second_capture' or state = 'paid'),
  check ((purpose in ('invoice', 'second_capture')) = (credit_nano = 0)),
  check (purpose = 'pack' or bonus_nano = 0),
  check (state <> 'paid' or stripe_payment_intent is not null),
  check (tax_calculation is null or tax_code is not null),
  check (not awaits_tax or stripe_payment_intent is null and state <> 'paid' and tax_cents = 0),
  check ((state = 'paid') = (transaction_id is not null)),
  check ((state = 'paid') = (paid_at is not null))
);
create index on payments (org_id, created_at desc, id desc);
create unique index one_payment_per_invoice on payments (invoice_id) where state = 'open';
create unique index one_payment_per_top_up on payments (org_id, top_up);
create unique index one_open_top_up on payments (org_id) where purpose = 'top_up' and state = 'open';
create index on payments (bill_id);
create index on payments (invoice_id) where invoice_id is not null;
alter table credit_grants add foreign key (payment_id) references payments;

-- Also for the owner of the table. What is asked for changes once at most, by the tax that comes on top.
create function refuse_other_than_forward() returns trigger language plpgsql as $$
declare v_taxed boolean := old.awaits_tax and new.tax_calculation is not null and old.state = 'open';
begin
  if v_taxed then
    old.amount_cents := old.amount_cents + new.tax_cents;
    old.tax_cents := new.tax_cents;
    old.tax_calculation := new.tax_calculation;
  end if;
  if old.state = 'paid' or new.state = 'open' and old.state <> 'open'
     or old.stripe_payment_intent <> new.stripe_payment_intent
     or (new.id, new.org_id, new.purpose, new.pack, new.invoice_id, new.top_up, new.second_of, new.tax_code, new.tax_calculation, new.tax_cents, new.amount_cents, new.currency, new.credit_nano, new.bonus_nano,
         new.requested_by, new.created_at)
        is distinct from
        (old.id, old.org_id, old.purpose, old.pack, old.invoice_id, old.top_up, old.second_of, old.tax_code, old.tax_calculation, old.tax_cents, old.amount_cents, old.currency, old.credit_nano, old.bonus_nano,
         old.requested_by, old.created_at)
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
  purpose text not null check (purpose in ('pack', 'plan')),
  -- What is bought on it; a click for something else closes it.
  article text not null,
  title text not null,
  stripe_session text unique,
  url text,
  expires_at timestamptz not null,
  closed_at timestamptz,
  check ((stripe_session is null) = (url is null))
);
create unique index one_open_checkout on checkouts (org_id, purpose) where closed_at is null;

-- Money that Stripe took and that we did not ask for in this amount or way: nobody is credited, a person decides.
create table captures_in_question (
  stripe_payment_intent text primary key,
  payment_id uuid not null references payments,
  amount_cents bigint not null,
  currency text not null,
  reason text not null check (reason in ('paid_by_another', 'another_intent', 'another_amount', 'tax_unknown')),
  -- What was asked for instead: an intent of Stripe's, an amount.
  asked_for text,
  at timestamptz not null default clock_timestamp(),
  resolved_at timestamptz
);

-- Money that goes back. The credit is gone in the transaction that makes the row, before Stripe is asked; a refund that failed gives it
-- back. submitted -> succeeded, and from either to failed.
create table refunds (
  id uuid primary key,
  payment_id uuid not null references payments,
  amount_cents integer not null check (amount_cents > 0),
  -- Of the amount.
  tax_cents integer not null default 0 check (tax_cents >= 0 and tax_cents <= amount_cents),
  state text not null default 'submitted' check (state in ('submitted', 'succeeded', 'failed')),
  -- null: Stripe has not answered yet, and is asked again.
  stripe_refund text unique,
  transaction_id bigint not null unique references ledger_transactions,
  reversal_id bigint unique references ledger_transactions,
  requested_by text not null,
  created_at timestamptz not null default billing_now(),
  check ((state = 'failed') = (reversal_id is not null))
);
create index on refunds (payment_id);
create index on refunds (created_at) where stripe_refund is null and state = 'submitted';
create index on refunds (payment_id) where state = 'failed';
create trigger append_only before delete on refunds for each row execute function refuse_change();
create trigger not_emptied before truncate on refunds for each statement execute function refuse_change();

-- A refund that Stripe would not make, and that nobody has seen to: of payments that no subscription answers for, which keeps its own
-- (refundsRefused). Null: it was asked for again, made good or left as it is.
create table refused_refunds (
  payment_id uuid primary key references payments,
  org_id uuid not null references organizations,
  refund_id uuid references refunds,
  revision integer not null default 1
);
create index on refused_refunds (payment_id) where refund_id is not null;

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

-- Returns 'recorded'; 'known': by this intent, earlier; 'twice': the same again by another intent, which is on its way back with this;
-- 'in_question': another amount or currency, kept for a person; 'not_ours': no such payment. A bonus is opened first, as it burns first: it is also the first to repay what the customer owes. What an
-- invoice of usage does not want any more is deferred, for begin_refund to take.
create function record_payment(p_payment uuid, p_intent text, p_amount_cents bigint, p_currency text, p_actor text, p_workflow text default null) returns text
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_payment payments; v_reason text; v_entries jsonb := '[]'; v_paid bigint := p_amount_cents * 10000000; v_owed bigint := 0; v_net bigint; v_adjust bigint; v_tx bigint;
        v_second uuid := gen_random_uuid();
begin
  perform 1 from organizations o where o.id = (select p.org_id from payments p where p.id = p_payment) for no key update;
  select * into v_payment from payments p where p.id = p_payment for update;
  if not found then return 'not_ours'; end if;
  if exists (select from payments p where p.stripe_payment_intent = p_intent and p.state = 'paid' and p_payment in (p.id, p.second_of)) then
    return 'known';
  end if;
  if v_payment.state = 'paid' and (p_amount_cents, p_currency) = (v_payment.amount_cents::bigint, v_payment.currency) then
    v_tx := post_transaction('payment', 'payment:' || p_intent, 'payment', v_second::text, p_actor, jsonb_build_array(
      jsonb_build_object('account', 'stripe_clearing', 'org', v_payment.org_id, 'amount', v_paid),
      jsonb_build_object('account', 'owed_back', 'org', v_payment.org_id, 'amount', -v_paid)));
    insert into payments (id, org_id, purpose, second_of, amount_cents, state, stripe_payment_intent, transaction_id, requested_by, paid_at)
      values (v_second, v_payment.org_id, 'second_capture', p_payment, p_amount_cents, 'paid', p_intent, v_tx, p_actor, billing_now());
    insert into audit_log (actor, action, target_kind, target_id, org_id, workflow_id, after)
      values (p_actor, 'payment.captured_twice', 'payment', p_payment::text, v_payment.org_id, p_workflow,
              jsonb_build_object('orgId', v_payment.org_id, 'amountCents', p_amount_cents, 'stripePaymentIntent', p_intent, 'secondPaymentId', v_second));
    perform begin_refund(gen_random_uuid(), v_second, null, null, p_actor);
    return 'twice';
  end if;
  v_reason := case
    when v_payment.state = 'paid' then 'paid_by_another'
    when v_payment.stripe_payment_intent <> p_intent then 'another_intent'
    when (p_amount_cents, p_currency) is distinct from (v_payment.amount_cents::bigint, v_payment.currency) then 'another_amount'
    when v_payment.awaits_tax then 'tax_unknown'
  end;
  if v_reason is not null then
    insert into captures_in_question values (p_intent, p_payment, p_amount_cents, p_currency, v_reason, case
      when v_reason in ('paid_by_another', 'another_intent') then v_payment.stripe_payment_intent
      when v_reason = 'another_amount' then to_char(v_payment.amount_cents / 100.0, 'FM9999999990.00') || ' ' || upper(v_payment.currency)
    end) on conflict do nothing;
    return 'in_question';
  end if;

  v_net := v_paid - v_payment.tax_cents * 10000000::bigint;
  if v_payment.bonus_nano > 0 then
    v_entries := open_grant(gen_random_uuid(), v_payment.org_id, 'bonus', 20::smallint, v_payment.bonus_nano, 0, p_payment,
                            billing_now() + interval '12 months', null, p_actor);
  end if;
  if v_payment.credit_nano > 0 then
    v_entries := v_entries || open_grant(gen_random_uuid(), v_payment.org_id, 'pack', 20::smallint, v_payment.credit_nano,
                                         v_payment.amount_cents - v_payment.tax_cents, p_payment, null, null, p_actor);
  end if;
  v_entries := v_entries || jsonb_build_object('account', 'stripe_clearing', 'org', v_payment.org_id, 'amount', v_paid);
  if v_payment.tax_cents > 0 then
    v_entries := v_entries || jsonb_build_object('account', 'tax_payable', 'org', v_payment.org_id, 'amount', v_net - v_paid);
  end if;
  if v_payment.invoice_id is not null then
    v_owed := pay_usage_invoice(v_payment.invoice_id, 'payment', p_payment, p_amount_cents) * 10000000;
    if v_owed > 0 then
      v_entries := v_entries || jsonb_build_object('account', 'receivable', 'org', v_payment.org_id, 'amount', -v_owed);
    end if;
    if v_net > v_owed then
      v_entries := v_entries || jsonb_build_object('account', 'deferred_plan', 'org', v_payment.org_id, 'amount', v_owed - v_net);
    end if;
    update invoices set state = 'paid', closed_at = billing_now() where id = v_payment.invoice_id and kind = 'plan' and state = 'open';
  else
    v_adjust := v_payment.credit_nano + v_payment.bonus_nano - v_net;
  end if;
  if v_adjust <> 0 then
    v_entries := v_entries || jsonb_build_object('account', 'deferred_adjust', 'org', v_payment.org_id, 'amount', v_adjust);
  end if;
  v_tx := post_transaction('payment', 'payment:' || p_intent, 'payment', p_payment::text, p_actor, v_entries);

  update payments set state = 'paid', stripe_payment_intent = p_intent, transaction_id = v_tx, paid_at = billing_now() where id = p_payment;
  update checkouts set closed_at = billing_now() where payment_id = p_payment and closed_at is null;
  if v_owed > 0 then
    perform ask_for_rest(v_payment.invoice_id, p_actor);
    perform level_credit_line(v_payment.org_id, p_actor);
  end if;
  insert into audit_log (actor, action, target_kind, target_id, org_id, workflow_id, after)
    values (p_actor, 'payment.recorded', 'payment', p_payment::text, v_payment.org_id, p_workflow,
            jsonb_build_object('orgId', v_payment.org_id, 'amountCents', p_amount_cents, 'stripePaymentIntent', p_intent));
  return 'recorded';
end $$;

-- Takes credit of a payment back and books that its money goes back. p_amount_cents null: all that is unused, which is what was paid
-- less all that was consumed of credit and bonus, with the tax on it; what leases hold counts as consumed. An amount alone: of that, at most
-- so much. With p_stripe_refund: what Stripe says that it gave back, of which credit covers what is left and tax its share: all of it, to the cent, when
-- all is back. Once nothing of the price is kept, the rest of the credit goes too. The money of an invoice comes out of what is deferred, or is owed
-- back since Stripe refused it, and what paid for usage stays. Returns the cents; 0: nothing to refund, or known.
create function begin_refund(p_id uuid, p_payment uuid, p_stripe_refund text, p_amount_cents bigint, p_actor text) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_payment payments; v_before bigint; v_tax_before bigint; v_tax bigint; v_net bigint; v_available bigint; v_consumed bigint; v_cents bigint; v_take bigint; v_deferred bigint;
  v_unused bigint; v_from text := 'deferred_plan'; v_entries jsonb; v_tx bigint;
begin
  perform 1 from organizations o where o.id = (select p.org_id from payments p where p.id = p_payment) for no key update;
  select * into v_payment from payments p where p.id = p_payment;
  if v_payment.state is distinct from 'paid' or exists (select from refunds r where r.stripe_refund = p_stripe_refund) then return 0; end if;
  select coalesce(sum(r.amount_cents), 0), coalesce(sum(r.tax_cents), 0) into v_before, v_tax_before from refunds r where r.payment_id = p_payment and r.state <> 'failed';
  select coalesce(-sum(e.amount_nano), 0) into v_deferred
    from ledger_entries e
   where e.account = 'owed_back' and e.transaction_id = any(
           v_payment.transaction_id || array(select unnest(array[r.transaction_id, r.reversal_id]) from refunds r where r.payment_id = p_payment));
  if v_deferred > 0 then
    v_from := 'owed_back';
  elsif v_payment.invoice_id is not null then
    select least((v_payment.amount_cents - v_payment.tax_cents - v_before + v_tax_before) * 10000000, greatest(0, -coalesce(sum(e.amount_nano), 0))) into v_deferred
      from ledger_entries e where e.account = 'deferred_plan' and e.org_id = v_payment.org_id;
  end if;
  select coalesce(sum(b.available_nano), 0) into v_available from grant_balances b join credit_grants g on g.id = b.grant_id
   where g.payment_id = p_payment;
  select v_payment.credit_nano + v_payment.bonus_nano - v_available - coalesce(sum(e.amount_nano), 0) into v_consumed
    from ledger_entries e join ledger_transactions t on t.id = e.transaction_id and t.kind in ('expiry', 'refund', 'reversal')
    join credit_grants g on g.id = e.grant_id where g.payment_id = p_payment and e.account = 'credit';
  v_net := greatest(0, ((v_payment.amount_cents - v_payment.tax_cents - v_before + v_tax_before) * 10000000 - v_consumed) / 10000000);
  v_tax := v_payment.tax_cents * (v_before - v_tax_before + v_net) / (v_payment.amount_cents - v_payment.tax_cents) - v_tax_before;
  v_unused := case when v_payment.credit_nano = 0
                   then greatest(0, v_payment.amount_cents - v_before - coalesce((select i.cents from invoice_payments i where i.source_id = p_payment), 0))
                   when v_net = 0 then 0 else v_net + greatest(0, v_tax) end;
  if p_stripe_refund is null and p_amount_cents >= v_unused then p_amount_cents := null; end if;
  v_cents := coalesce(p_amount_cents, v_unused);
  if v_cents = 0 then return 0; end if;
  if p_amount_cents is not null or v_payment.credit_nano = 0 then
    v_tax := v_payment.tax_cents * least(v_before + v_cents, v_payment.amount_cents) / v_payment.amount_cents - v_tax_before;
  end if;
  v_tax := least(greatest(0, v_tax), v_cents);
  v_net := (v_cents - v_tax) * 10000000;
  v_deferred := least(v_deferred, v_net);

  v_take := case when p_amount_cents is null or v_before + v_cents >= v_payment.amount_cents then v_available
                 else least(v_available, v_net) end;
  select c.entries into v_entries
    from cut_grants(array(select g.id from credit_grants g where g.payment_id = p_payment order by g.source desc), v_take) c;
  v_entries := v_entries || jsonb_build_object('account', 'stripe_clearing', 'org', v_payment.org_id, 'amount', -v_cents * 10000000);
  if v_deferred > 0 then
    v_entries := v_entries || jsonb_build_object('account', v_from, 'org', v_payment.org_id, 'amount', v_deferred);
  end if;
  if v_tax > 0 then
    v_entries := v_entries || jsonb_build_object('account', 'tax_payable', 'org', v_payment.org_id, 'amount', v_tax * 10000000);
  end if;
  if v_take + v_deferred <> v_net then
    v_entries := v_entries || jsonb_build_object('account', 'deferred_adjust', 'org', v_payment.org_id, 'amount', v_net - v_take - v_deferred);
  end if;
  v_tx := post_transaction('refund', 'refund:' || p_id, 'refund', p_id::text, p_actor, v_entries);
  insert into refunds (id, payment_id, amount_cents, tax_cents, stripe_refund, transaction_id, requested_by)
    values (p_id, p_payment, v_cents, v_tax, p_stripe_refund, v_tx, p_actor);
  if p_stripe_refund is not null then
    insert into audit_log (actor, action, target_kind, target_id, org_id, after)
      values (p_actor, 'refund.heard', 'payment', p_payment::text, v_payment.org_id, jsonb_build_object('refundId', p_id, 'amountCents', v_cents));
  end if;
  return v_cents;
end $$;

-- Undoes what a refund has booked: it has failed. What bought nothing is owed back from then on: no period may be paid out of it. Caller holds
-- the organization.
create function reverse_refund(p_refund refunds, p_org uuid, p_actor text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_entry record; v_balance bigint; v_entries jsonb := '[]'; v_tx bigint; v_bought_nothing boolean;
begin
  select p.invoice_id is not null and (
           not exists (select from subscription_periods s where s.invoice_id = p.invoice_id)
           or exists (select from payments o where o.invoice_id = p.invoice_id and o.transaction_id < p.transaction_id))
    into v_bought_nothing from payments p where p.id = p_refund.payment_id;
  for v_entry in select * from ledger_entries e where e.transaction_id = p_refund.transaction_id order by e.line loop
    v_balance := null;
    if v_entry.account = 'credit' then
      update grant_balances b set available_nano = b.available_nano + v_entry.amount_nano where b.grant_id = v_entry.grant_id
        returning b.available_nano into v_balance;
    end if;
    v_entries := v_entries || jsonb_build_object('account', case when v_bought_nothing and v_entry.account = 'deferred_plan' then 'owed_back' else v_entry.account end,
                                                 'org', p_org, 'grant', v_entry.grant_id,
                                                 'amount', -v_entry.amount_nano, 'balance', v_balance);
  end loop;
  v_tx := post_transaction('reversal', 'refund-failed:' || p_refund.id, 'refund', p_refund.id::text, p_actor, v_entries);
  update refunds r set state = 'failed', reversal_id = v_tx where r.id = p_refund.id;
end $$;

-- What was given back at Stripe while a refund was under way found nothing left to take, and was a loss of ours. The refund has failed and brought
-- its money back: they are booked anew and take of that, in rows of their own. Caller holds the organization.
create function rebook_heard_since(p_failed refunds, p_org uuid, p_actor text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_heard refunds; v_id uuid;
begin
  for v_heard in
    select r.* from refunds r
     where r.payment_id = p_failed.payment_id and r.transaction_id > p_failed.transaction_id and r.state <> 'failed' and r.stripe_refund is not null
       and exists (select from ledger_entries e where e.transaction_id = r.transaction_id and e.account = 'deferred_adjust' and e.amount_nano > 0)
     order by r.transaction_id loop
    v_id := gen_random_uuid();
    perform reverse_refund(v_heard, p_org, p_actor);
    update refunds set stripe_refund = null where id = v_heard.id;
    perform begin_refund(v_id, v_heard.payment_id, v_heard.stripe_refund, v_heard.amount_cents, p_actor);
    update refunds set state = v_heard.state where id = v_id;
  end loop;
end $$;

-- What Stripe says of a refund. One that failed gives the credit back, which first repays what the customer owes by now. True: this is how
-- it became known that it failed.
create function settle_refund(p_id uuid, p_stripe_refund text, p_state text, p_actor text) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_refund refunds; v_org uuid;
begin
  select p.org_id into v_org from refunds r join payments p on p.id = r.payment_id where r.id = p_id;
  perform 1 from organizations o where o.id = v_org for no key update;
  select * into v_refund from refunds r where r.id = p_id for update;
  if not found or v_refund.state = 'failed' then return false; end if;
  update refunds r
     set state = case when p_state = 'succeeded' and r.state = 'submitted' then p_state else r.state end,
         stripe_refund = coalesce(r.stripe_refund, p_stripe_refund)
   where r.id = p_id;
  if p_state <> 'failed' then return false; end if;
  perform reverse_refund(v_refund, v_org, p_actor);
  perform rebook_heard_since(v_refund, v_org, p_actor);
  perform repay_overdraft(v_org, p_actor);
  insert into config_changes (kind, target_id) values ('grant', v_org::text);
  perform pg_notify('tollgate_config', 'grant:' || v_org);
  insert into audit_log (actor, action, target_kind, target_id, org_id, after)
    values (p_actor, 'refund.failed', 'payment', v_refund.payment_id::text, v_org, jsonb_build_object('refundId', p_id));
  return true;
end $$;

-- Nobody will pay on this page any more. Should money come all the same, it is recorded: a pack is credited, the price of a void invoice goes
-- back.
create function close_checkout(p_payment uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update payments set state = 'expired' where id = p_payment and state = 'open';
  update checkouts set closed_at = billing_now() where payment_id = p_payment and closed_at is null;
  update invoices set state = 'void', closed_at = billing_now()
   where id = (select p.invoice_id from payments p where p.id = p_payment and p.state = 'expired') and kind = 'plan' and state = 'open';
end $$;

grant select on stripe_customers, payments, refunds, refused_refunds, checkouts, captures_in_question, stripe_event_listing to tollgate_worker, tollgate_readonly;
grant select on stripe_events to tollgate_worker;
-- Names and addresses of who paid stand in the payload.
grant select (id, type, received_at, due_at, tries, processed_at, error) on stripe_events to tollgate_readonly;
grant insert on stripe_customers, checkouts, stripe_events, stripe_event_listing to tollgate_worker;
grant insert (id, org_id, purpose, pack, invoice_id, top_up, amount_cents, tax_cents, tax_code, tax_calculation, credit_nano, bonus_nano, requested_by) on payments to tollgate_worker;
grant insert, update (refund_id, revision) on refused_refunds to tollgate_worker;
grant update (stripe_payment_intent) on payments to tollgate_worker;
grant update (stripe_session, url) on checkouts to tollgate_worker;
grant update (due_at, tries, processed_at, error) on stripe_events to tollgate_worker;
grant update on stripe_event_listing to tollgate_worker;
grant update (resolved_at) on captures_in_question to tollgate_worker;
revoke execute on function record_payment(uuid, text, bigint, text, text, text), close_checkout(uuid), begin_refund(uuid, uuid, text, bigint, text),
  settle_refund(uuid, text, text, text), reverse_refund(refunds, uuid, text), rebook_heard_since(refunds, uuid, text) from public;
grant execute on function record_payment(uuid, text, bigint, text, text, text), close_checkout(uuid), begin_refund(uuid, uuid, text, bigint, text),
  settle_refund(uuid, text, text, text) to tollgate_worker;
