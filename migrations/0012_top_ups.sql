-- Credit that is bought when it runs low, and warnings before it does. Both look at one figure, what is available and what leases have not
-- spent, and both stand in a row as the state of their step in domain/.

-- Up Migration

create table top_ups (
  org_id uuid primary key references organizations,
  -- TopUp of domain/top-up.ts.
  state jsonb not null,
  revision integer not null,
  -- What the watch compares balances with. Null: it is off.
  threshold_nano bigint,
  -- As it was seen last.
  is_low boolean not null,
  -- Whose payment is awaited: that one stands in payments, where no organization has two that are open.
  open_number integer,
  -- When time alone changes something; null: only an event will.
  wake_at timestamptz
);
create index on top_ups (wake_at) where open_number is not null or wake_at is not null;

create table balance_alerts (
  org_id uuid primary key references organizations,
  -- BalanceAlerts of domain/balance-alerts.ts.
  armed smallint[] not null default '{}',
  epoch integer not null default 0,
  -- What was bought or included last, and whether it is still to be compared with the balance.
  basis_nano bigint not null check (basis_nano > 0),
  is_basis_new boolean not null default true,
  -- A balance at or below the one, or above the other, changes something. Null: none does.
  below_nano bigint,
  above_nano bigint
);

-- Given credit is no measure: nobody who has used up half of a present is warned.
create function note_basis() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into balance_alerts (org_id, basis_nano) values (new.org_id, new.amount_nano)
    on conflict (org_id) do update set basis_nano = excluded.basis_nano, is_basis_new = true;
  return null;
end $$;
create trigger note_basis after insert on credit_grants for each row
  when (new.paid_cents > 0 or new.source = 'included') execute function note_basis();

-- When the workers looked at balances last: one of them every second, and once a minute at all.
create table balance_looks (
  is_the_only boolean primary key default true check (is_the_only),
  looked_at timestamptz not null default '-infinity',
  looked_at_all_at timestamptz not null default '-infinity'
);
insert into balance_looks default values;

grant select on top_ups, balance_alerts, balance_looks to tollgate_worker, tollgate_readonly;
grant insert, update on top_ups to tollgate_worker;
grant update (armed, epoch, is_basis_new, below_nano, above_nano) on balance_alerts to tollgate_worker;
grant update on balance_looks to tollgate_worker;
