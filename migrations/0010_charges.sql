-- How money is asked for without a page: the cards that may be asked, each question to one, and each word that no more are to be
-- asked. What Stripe is asked is a row before Stripe hears of it.

-- Up Migration

-- What a card may be asked for. The payment of an invoice may be replaced by another one; a top-up is one with its payment, and when that can
-- be paid no more, it is void.
create view bills as
  select id, 'invoice' as kind, org_id, amount_cents, currency, state from invoices
  union all
  select id, 'top_up', org_id, amount_cents, currency, case state when 'expired' then 'void' else state end from payments where purpose = 'top_up';

-- As Stripe has them: its list is copied when it tells of a change. The newest is the default.
create table payment_methods (
  id uuid primary key,
  org_id uuid not null references organizations,
  stripe_payment_method text not null unique,
  brand text not null,
  last4 text not null,
  exp_month smallint not null,
  exp_year smallint not null,
  -- The same for the same card number, whoever left it.
  fingerprint text,
  is_default boolean not null default false,
  attached_at timestamptz not null,
  detached_at timestamptz,
  check (not is_default or detached_at is null)
);
create index on payment_methods (org_id, attached_at);
create index on payment_methods (fingerprint);
create unique index one_default_card on payment_methods (org_id) where is_default;

-- The page of Stripe on which somebody may leave a card. One is open per organization, as with checkouts (0005): without a session Stripe
-- has not answered yet, and is asked again with the same words.
create table card_setups (
  id uuid primary key,
  org_id uuid not null references organizations,
  return_url text not null,
  stripe_session text unique,
  url text,
  expires_at timestamptz not null,
  closed_at timestamptz,
  check ((stripe_session is null) = (url is null))
);
create unique index one_open_card_setup on card_setups (org_id) where closed_at is null;

-- One question to one card about the payment of a bill, under a key made of payment, asker, number and try at Stripe. Billing numbers
-- as its processes do; the customer, who pays on our page, has numbers of his own. It is tried again under another key when Stripe will
-- never say what came of the first. An open one is under way or in doubt, and whoever comes meanwhile joins it.
create table charge_attempts (
  payment_id uuid not null references payments,
  asked_by text not null default 'billing' check (asked_by in ('billing', 'customer')),
  number integer not null check (number > 0),
  try integer not null check (try > 0),
  -- The organization's default when it was asked, or the one that the customer chose. Null: there was none that could be asked.
  payment_method text references payment_methods (stripe_payment_method),
  -- Where his bank sends the customer back to: Stripe is asked again in the same words.
  return_url text,
  -- The intent's latest charge before: another one later on is what came of this.
  charge_before text,
  asked_at timestamptz not null default billing_now(),
  -- unknown: it never became known and another try took its place. fault: ours or Stripe's, and no bank was asked.
  outcome text check (outcome in ('paid', 'declined', 'unknown', 'fault')),
  decline_code text,
  advice_code text,
  network_advice_code text,
  decline_class text check (decline_class in ('never', 'needs_customer', 'authenticate', 'later', 'duplicate')),
  error text,
  answered_at timestamptz,
  primary key (payment_id, asked_by, number, try),
  check ((asked_by = 'customer') = (return_url is not null)),
  check ((outcome is null) = (answered_at is null)),
  check (outcome <> 'declined' or decline_class is not null)
);
create unique index one_open_attempt on charge_attempts (payment_id) where outcome is null;
create index on charge_attempts (payment_method, asked_at);
-- What waits for a person is looked for among them.
create index on charge_attempts (payment_id) where outcome = 'fault';
create trigger append_only before delete on charge_attempts for each row execute function refuse_change();
create trigger not_emptied before truncate on charge_attempts for each statement execute function refuse_change();

-- Each time that somebody asks for no more money for a bill. While such a row is open, or says 'cancelled', no card is asked.
create table charge_cancellations (
  bill_id uuid not null,
  number integer not null check (number > 0),
  asked_at timestamptz not null default billing_now(),
  outcome text check (outcome in ('cancelled', 'paid', 'in_doubt')),
  answered_at timestamptz,
  primary key (bill_id, number),
  check ((outcome is null) = (answered_at is null))
);
create unique index one_open_cancellation on charge_cancellations (bill_id) where outcome is null;

-- A payment is paid by whoever learns of it first: what was asked for it is answered with it.
create function answer_attempts() returns trigger language plpgsql as $$
begin
  update charge_attempts set outcome = case new.state when 'paid' then 'paid' else 'unknown' end, answered_at = billing_now()
   where payment_id = new.id and outcome is null;
  return null;
end $$;
create trigger answers_attempts after update of state on payments for each row when (old.state <> new.state) execute function answer_attempts();

-- It can be paid no more: its intent is cancelled, or there is none yet (null) and none will be kept. False: it has another intent, or is
-- not open.
create function expire_payment(p_payment uuid, p_intent text) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update payments set state = 'expired' where id = p_payment and state = 'open' and stripe_payment_intent is not distinct from p_intent;
  return found;
end $$;

grant select on bills, payment_methods, card_setups, charge_attempts, charge_cancellations to tollgate_worker;
grant select on bills, payment_methods, charge_cancellations to tollgate_readonly;
-- Not where somebody is sent back to: with that address an invoice can be paid.
grant select (id, org_id, stripe_session, expires_at, closed_at) on card_setups to tollgate_readonly;
grant select (payment_id, asked_by, number, try, payment_method, charge_before, asked_at, outcome, decline_code, advice_code, network_advice_code,
  decline_class, error, answered_at) on charge_attempts to tollgate_readonly;
grant insert on payment_methods, card_setups, charge_attempts, charge_cancellations to tollgate_worker;
grant update (brand, last4, exp_month, exp_year, fingerprint, is_default, detached_at) on payment_methods to tollgate_worker;
grant update (stripe_session, url, closed_at) on card_setups to tollgate_worker;
grant update (outcome, decline_code, advice_code, network_advice_code, decline_class, error, answered_at) on charge_attempts to tollgate_worker;
grant update (outcome, answered_at) on charge_cancellations to tollgate_worker;
revoke execute on function expire_payment(uuid, text) from public;
grant execute on function expire_payment(uuid, text) to tollgate_worker;
