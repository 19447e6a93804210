-- Restores. A database that was restored has forgotten what happened since its snapshot, and Stripe has not: until that is in the books again
-- nobody is charged, given back or written to (D149). A restore begins an epoch, and numbers that are given in it say so.

-- Up Migration

create table billing_holds (
  -- Grows also where the same backup is restored twice, and neither database knows of the other: minutes of this millennium's clock (D151).
  epoch integer primary key check (epoch > 0),
  why text not null check (length(why) between 1 and 500),
  -- Of what was restored, by the clock of billing: what Stripe did since is looked for.
  snapshot_at timestamptz not null,
  since timestamptz not null default clock_timestamp(),
  cleared_at timestamptz
);
create unique index one_hold on billing_holds ((true)) where cleared_at is null;

-- What was found, and seen to, before a hold was cleared: each thing once, however often it is looked for.
create table restore_findings (
  epoch integer not null references billing_holds,
  what text not null check (what in ('organization_recreated', 'customer_adopted', 'payment_adopted', 'capture_in_question',
    'capture_without_place', 'intent_cancelled', 'page_closed', 'refund_adopted', 'journal_set_aside', 'workflows_terminated')),
  -- At Stripe, or ours: pi_..., re_..., cs_..., an incarnation.
  subject text not null,
  details jsonb not null default '{}',
  at timestamptz not null default clock_timestamp(),
  primary key (epoch, what, subject)
);
create trigger append_only before update or delete on restore_findings for each row execute function refuse_change();
create trigger not_emptied before truncate on restore_findings for each statement execute function refuse_change();

-- By whoever restores, who owns the database: its epoch. Everybody signs in anew. A hold that stood in what was restored goes on in this one, from its own snapshot.
create function raise_billing_hold(p_why text, p_snapshot timestamptz) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_epoch integer; v_former timestamptz;
begin
  update billing_holds set cleared_at = clock_timestamp() where cleared_at is null returning snapshot_at into v_former;
  select greatest(1 + coalesce(max(h.epoch), 0), floor(extract(epoch from clock_timestamp() - timestamptz '2026-01-01T00:00:00Z') / 60)::integer)
    into v_epoch from billing_holds h;
  insert into billing_holds (epoch, why, snapshot_at)
    values (v_epoch, p_why, least(p_snapshot, v_former) + (billing_moment() - clock_timestamp()));
  -- Customers had them from the database that was lost. Notices of debts are told again: nobody is limited on the strength of one that may not have gone.
  update notifications set gave_up_at = clock_timestamp(), error = 'before a restore'
   where handed_over_at is null and gave_up_at is null and notice is null and recipient is not null;
  -- Whoever was shown out since then would be in again.
  delete from auth.sessions;
  insert into audit_log (actor, action, target_kind, target_id, after)
    values ('restore', 'billing_hold.raised', 'billing_hold', v_epoch::text, jsonb_build_object('why', p_why, 'snapshotAt', p_snapshot));
  return v_epoch;
end $$;

-- Since when nobody is charged; null: no hold stands.
create function billing_held_since() returns timestamptz language sql stable security definer set search_path = public, pg_temp as $$
  select h.since from public.billing_holds h where h.cleared_at is null
$$;

-- Stands in the numbers that are given from now on, so that none is given again that only the customer remembers. Before any restore: nothing.
create function number_series() returns text language plpgsql stable security definer set search_path = public, pg_temp as $$
declare v_rest integer; v_series text := '';
begin
  select max(h.epoch) into v_rest from billing_holds h;
  while v_rest > 0 loop
    v_series := chr(65 + (v_rest - 1) % 26) || v_series;
    v_rest := (v_rest - 1) / 26;
  end loop;
  return v_series;
end $$;

-- A payment that Stripe knows and this database does not, as it says of itself there (services/payments/purchase-notes.ts). It is no more than one
-- that has expired, until its money is recorded. False: it is known.
create function adopt_payment(p_note jsonb, p_invoice uuid, p_amount_cents bigint, p_actor text) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_id uuid := (p_note ->> 'payment_id')::uuid; v_org uuid := (p_note ->> 'org_id')::uuid;
begin
  insert into payments (id, org_id, purpose, pack, top_up, invoice_id, amount_cents, tax_cents, credit_nano, bonus_nano, state, requested_by)
    values (v_id, v_org, p_note ->> 'purpose', p_note ->> 'pack', (p_note ->> 'top_up')::integer, p_invoice, p_amount_cents,
            (p_note ->> 'tax_cents')::integer, (p_note ->> 'credit_nano')::bigint, (p_note ->> 'bonus_nano')::bigint, 'expired', p_actor)
    on conflict do nothing;
  if not found then return false; end if;
  insert into audit_log (actor, action, target_kind, target_id, org_id, after)
    values (p_actor, 'payment.adopted', 'payment', v_id::text, v_org, p_note || jsonb_build_object('amountCents', p_amount_cents));
  return true;
end $$;

select keep_apart('billing_holds', 'false');
select keep_apart('restore_findings', 'false');
grant select on billing_holds, restore_findings to tollgate_worker, tollgate_readonly;
-- By the caretaker of each machine: what lies on its disk.
grant insert on restore_findings to tollgate_worker;
revoke execute on function billing_held_since(), raise_billing_hold(text, timestamptz), number_series(), adopt_payment(jsonb, uuid, bigint, text) from public;
grant execute on function billing_held_since(), number_series(), adopt_payment(jsonb, uuid, bigint, text) to tollgate_worker;
