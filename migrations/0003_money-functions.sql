-- The only code that moves money. Every function is SECURITY DEFINER: the roles below may call it and may not write the tables.
-- Lock order everywhere: incarnation, organization, lease, grants. SQLSTATE TG001: the incarnation is fenced.

-- Up Migration

-- entries: [{account, org, grant, lease, channel, amount, balance}], debit +, credit -. Refuses what does not sum to zero.
create function post_transaction(p_kind text, p_key text, p_source_kind text, p_source_id text, p_actor text, p_entries jsonb)
returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare v_id bigint; v_sum numeric;
begin
  select sum((e ->> 'amount')::bigint) into v_sum from jsonb_array_elements(p_entries) e;
  if v_sum is distinct from 0 then raise exception 'entries of % sum to %', p_key, v_sum using errcode = 'check_violation'; end if;
  insert into ledger_transactions (kind, idempotency_key, source_kind, source_id, actor)
    values (p_kind, p_key, p_source_kind, p_source_id, p_actor) returning id into v_id;
  insert into ledger_entries (transaction_id, line, account, org_id, grant_id, lease_id, channel_id, amount_nano, balance_after_nano)
    select v_id, t.ordinality, e ->> 'account', (e ->> 'org')::uuid, (e ->> 'grant')::uuid, (e ->> 'lease')::uuid, (e ->> 'channel')::uuid,
           (e ->> 'amount')::bigint, (e ->> 'balance')::bigint
      from jsonb_array_elements(p_entries) with ordinality t(e, ordinality);
  return v_id;
end $$;

-- These three are plpgsql because its plans are kept: a function in SQL that cannot be inlined is planned at every call, and a lease
-- transaction makes eight such calls (3.0 ms with its commit; so 1.5).
-- Grants in force with money on them that may be spent at the organization's stage, in burn order (domain/burn-order.ts says the same; a
-- test compares them).
create function burnable_grants(p_org uuid) returns table (grant_id uuid, available_nano bigint, expires_at timestamptz, is_included boolean)
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare v_now timestamptz := billing_now();
begin
  return query select b.grant_id, b.available_nano, g.expires_at, g.source = 'included'
    from grant_balances b join credit_grants g on g.id = b.grant_id
   where b.org_id = p_org and b.available_nano > 0
     and g.effective_at <= v_now and (g.expires_at is null or g.expires_at > v_now)
     and (not g.locked_while_overdue or (select o.overdue_stage from organizations o where o.id = p_org) = 'none')
   order by g.priority, g.expires_at asc nulls last, g.created_at, g.id;
end $$;

-- What an organization of this plan pays where no included credit covers it, in millionths of list price; null: list price, as without a plan.
-- A sub-account of an enterprise may have agreed on less for itself (D95).
create function rate_beyond_included(p_plan_version text, p_project uuid) returns integer
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
  if p_plan_version is null then return null; end if;
  return (select nullif(least(v.beyond_included_ppm, p.price_of_list_ppm), 1000000)
            from plan_versions v left join projects p on p.id = p_project and v.plan = 'enterprise' where v.id = p_plan_version);
end $$;

-- domain/overage.ts says the same; a test compares them.
create function at_rate(p_list bigint, p_ppm integer) returns bigint language sql immutable as $$
  select div(p_list::numeric * p_ppm + 999999, 1000000)::bigint
$$;

-- Periods are calendar days, weeks and months where the organization lives; "total" has no beginning (domain/periods.ts says the same).
create function period_start(p_period text, p_zone text, p_at timestamptz) returns timestamptz language sql stable as $$
  select case when p_period = 'total' then '-infinity'::timestamptz
              else date_trunc(p_period, p_at at time zone p_zone) at time zone p_zone end
$$;

-- The first instant of the next period; null for "total".
create function period_end(p_period text, p_zone text, p_at timestamptz) returns timestamptz language sql stable as $$
  select case when p_period = 'total' then null
              else (date_trunc(p_period, p_at at time zone p_zone) + ('1 ' || p_period)::interval) at time zone p_zone end
$$;

-- Money of open leases under a cap that were opened in the period: what is leased and not yet spent.
create function cap_leased(p_scope text, p_scope_id uuid, p_org uuid, p_since timestamptz) returns bigint
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
  return (select coalesce(sum(l.amount_nano - l.consumed_nano), 0)::bigint from leases l
   where l.org_id = p_org and l.closed_at is null and l.opened_at >= p_since
     and p_scope_id = case p_scope when 'organization' then l.org_id when 'project' then l.project_id
                                   when 'member' then l.member_id else l.api_key_id end);
end $$;

-- The counter of a cap in a period, made from what was spent when the cap is met for the first time. Caller holds the organization.
create function cap_committed(p_cap caps, p_since timestamptz) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_committed bigint;
begin
  select committed_nano into v_committed from cap_usage where cap_id = p_cap.id and period_start = p_since;
  if not found then
    select coalesce(sum(u.charge_nano), 0) + cap_leased(p_cap.scope, p_cap.scope_id, p_cap.org_id, p_since) into v_committed
      from usage_records u
     where u.org_id = p_cap.org_id and u.admitted_at >= p_since
       and p_cap.scope_id = case p_cap.scope when 'organization' then u.org_id when 'project' then u.project_id
                                             when 'member' then u.member_id else u.api_key_id end;
    insert into cap_usage values (p_cap.id, p_since, v_committed);
  end if;
  return v_committed;
end $$;

-- Every cap that a request of this key is spent under.
create function caps_of(p_org uuid, p_project uuid, p_member uuid, p_api_key uuid) returns setof caps
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
  return query select * from caps
   where org_id = p_org
     and ((scope = 'organization' and scope_id = p_org) or (scope = 'project' and scope_id = p_project)
       or (scope = 'member' and scope_id = p_member) or (scope = 'api_key' and scope_id = p_api_key))
   order by array_position(array['organization', 'project', 'member', 'api_key'], scope), period;
end $$;

-- Moves the counters of every cap over these scopes by p_amount, in the period of p_at. Caller holds the organization.
create function move_caps(p_org uuid, p_project uuid, p_member uuid, p_api_key uuid, p_at timestamptz, p_amount bigint) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_cap caps; v_zone text;
begin
  select time_zone into v_zone from organizations where id = p_org;
  for v_cap in select * from caps_of(p_org, p_project, p_member, p_api_key) loop
    update cap_usage set committed_nano = committed_nano + p_amount
     where cap_id = v_cap.id and period_start = period_start(v_cap.period, v_zone, p_at);
  end loop;
end $$;

-- Opens lease p_lease or grows it. p_waiting: the sum that requests wait for now, beyond what the gateway has in hand for them;
-- p_target: about 10 s of spending; p_least: what the smallest of the waiting needs, p_in_hand: how much of that this lease has.
-- outcome: 'leased' (also when nothing beyond what is in hand could be had), or why not: 'insufficient' (settled spending alone
-- leaves less than p_least), 'in_use' (leases hold it), 'cap_reached', 'cap_in_use', 'blocked' (key or organization stopped), 'provisioning'. The next
-- three columns are the organization's: under which stage this was decided. The last two are the lease's.
create function take_credit(p_incarnation uuid, p_lease uuid, p_api_key uuid, p_waiting bigint, p_target bigint, p_least bigint,
                            p_in_hand bigint default 0)
returns table (outcome text, amount_nano bigint, expires_at timestamptz, left_nano bigint, held_nano bigint, short_cap uuid, resets_at timestamptz,
               enforcement_seq bigint, overdue_stage text, pay_invoice_id uuid, at_list_nano bigint, beyond_ppm integer)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_key api_keys; v_org organizations; v_lease leases; v_cap caps; v_grant record;
  v_room bigint; v_available bigint; v_held bigint; v_committed bigint; v_amount bigint; v_rest bigint; v_cut bigint; v_ordinal integer;
  v_now timestamptz; v_expires timestamptz; v_cap_room bigint; v_cap_held bigint; v_short_room bigint; v_reached boolean;
  v_entries jsonb := '[]';
begin
  perform 1 from gateway_incarnations i where i.id = p_incarnation and i.fenced_at is null for share;
  if not found then raise exception 'incarnation % is fenced', p_incarnation using errcode = 'TG001'; end if;
  select * into v_key from api_keys k where k.id = p_api_key;
  select * into v_org from organizations o where o.id = v_key.org_id for no key update;
  v_now := billing_now();
  -- It is made of credit that may be locked by now, and what is in hand of it counts for nothing (D48).
  if exists (select from leases l where l.id = p_lease and l.enforcement_seq <> v_org.enforcement_seq) then
    raise exception 'lease % was cut under another stage', p_lease using errcode = 'TG002';
  end if;
  -- It counts under the caps of the member whose key it was, to its end (D108).
  if exists (select from leases l where l.id = p_lease and l.member_id is distinct from v_key.member_id) then
    raise exception 'lease % was cut for another member', p_lease using errcode = 'TG002';
  end if;
  enforcement_seq := v_org.enforcement_seq;
  overdue_stage := v_org.overdue_stage;
  pay_invoice_id := v_org.pay_invoice_id;
  if v_org.provisioning then
    outcome := 'provisioning'; amount_nano := 0; left_nano := 0; held_nano := 0; return next; return;
  end if;
  if v_org.id is null or v_org.enforcement <> 'active' or v_org.overdue_stage = 'stopped' or v_key.disabled_at is not null or v_key.frozen_at is not null
     or v_key.expires_at <= v_now then
    outcome := 'blocked'; amount_nano := 0; left_nano := 0; held_nano := 0; return next; return;
  end if;

  select coalesce(sum(b.available_nano), 0) - v_org.overdraft_nano into v_available from burnable_grants(v_org.id) b;
  v_room := v_available;
  outcome := 'leased';
  held_nano := 0;
  if p_least - p_in_hand > v_available then
    -- What would be locked as soon as it came back is not worth waiting for.
    select coalesce(sum(least(l.amount_nano - l.consumed_nano, case when v_org.overdue_stage = 'none' then l.amount_nano else (
             select coalesce(sum(s.amount_nano), 0) from lease_slices s
              where s.lease_id = l.id and not (select g.locked_while_overdue from credit_grants g where g.id = s.grant_id)) end)), 0)
      into v_held from leases l where l.org_id = v_org.id and l.closed_at is null;
    held_nano := v_held;
    outcome := case when p_least > v_available + v_held then 'insufficient' else 'in_use' end;
  end if;

  for v_cap in select * from caps_of(v_org.id, v_key.project_id, v_key.member_id, v_key.id) loop
    v_committed := cap_committed(v_cap, period_start(v_cap.period, v_org.time_zone, v_now));
    v_cap_room := v_cap.amount_nano - v_committed;
    v_expires := least(v_expires, period_end(v_cap.period, v_org.time_zone, v_now));
    if p_least - p_in_hand > v_cap_room and outcome <> 'insufficient' then
      v_cap_held := cap_leased(v_cap.scope, v_cap.scope_id, v_org.id, period_start(v_cap.period, v_org.time_zone, v_now));
      v_reached := p_least > v_cap_room + v_cap_held;
      -- The customer is told of one: of a cap that waiting does not help rather than of one that it does, then of the tightest.
      if short_cap is null or (v_reached, -v_cap_room) > (outcome = 'cap_reached', -v_short_room) then
        held_nano := v_cap_held;
        short_cap := v_cap.id;
        v_short_room := v_cap_room;
        resets_at := period_end(v_cap.period, v_org.time_zone, v_now);
      end if;
      outcome := case when v_reached or outcome = 'cap_reached' then 'cap_reached' else 'cap_in_use' end;
    end if;
    v_room := least(v_room, v_cap_room);
  end loop;
  left_nano := greatest(v_room, 0);
  if outcome <> 'leased' then amount_nano := 0; return next; return; end if;

  -- At least what waits now (this outranks the rest), else about 10 s of spending, at most a tenth of what is left.
  v_amount := least(v_room, greatest(p_waiting, least(p_target, v_room / 10)));
  if v_amount <= 0 then
    amount_nano := 0;
    select l.expires_at into expires_at from leases l where l.id = p_lease;
    return next; return;
  end if;
  beyond_ppm := rate_beyond_included(v_org.plan_version_id, v_key.project_id);
  insert into leases (id, incarnation_id, org_id, project_id, member_id, api_key_id, enforcement_seq, amount_nano, beyond_ppm, opened_at)
    values (p_lease, p_incarnation, v_org.id, v_key.project_id, v_key.member_id, v_key.id, v_org.enforcement_seq, 0, take_credit.beyond_ppm, v_now)
    on conflict (id) do nothing;
  select * into v_lease from leases l where l.id = p_lease and l.incarnation_id = p_incarnation and l.closed_at is null for update;
  if not found then raise exception 'lease % is closed or not of incarnation %', p_lease, p_incarnation using errcode = 'TG002'; end if;
  if v_lease.beyond_ppm is distinct from beyond_ppm then
    raise exception 'lease % was cut at another price', p_lease using errcode = 'TG002';
  end if;
  -- A lease counts in the period it was opened in: it must not grow under a cap whose period began later.
  if exists (select from caps_of(v_org.id, v_key.project_id, v_key.member_id, v_key.id) c
              where period_start(c.period, v_org.time_zone, v_now) > v_lease.opened_at) then
    raise exception 'lease % is older than the period of a cap', p_lease using errcode = 'TG002';
  end if;
  select coalesce(max(s.ordinal), 0) into v_ordinal from lease_slices s where s.lease_id = p_lease;

  at_list_nano := v_lease.at_list_nano;
  v_rest := v_amount;
  for v_grant in select * from burnable_grants(v_org.id) loop
    -- List price until the included credit is used up, also of what burns before it (D66).
    if v_grant.is_included and beyond_ppm is not null then
      at_list_nano := v_lease.amount_nano + v_amount - greatest(0, v_rest - v_grant.available_nano);
    end if;
    exit when v_rest = 0 and beyond_ppm is null;
    continue when v_rest = 0;
    v_cut := least(v_rest, v_grant.available_nano);
    v_ordinal := v_ordinal + 1;
    insert into lease_slices values (p_lease, v_ordinal, v_grant.grant_id, v_cut);
    update grant_balances b set available_nano = b.available_nano - v_cut where b.grant_id = v_grant.grant_id;
    v_entries := v_entries || jsonb_build_object('account', 'credit', 'org', v_org.id, 'grant', v_grant.grant_id,
                                                 'amount', v_cut, 'balance', v_grant.available_nano - v_cut);
    v_expires := least(v_expires, v_grant.expires_at);
    v_rest := v_rest - v_cut;
  end loop;
  if at_list_nano > v_lease.at_list_nano and v_lease.amount_nano > v_lease.at_list_nano then
    raise exception 'lease % has credit beyond the included', p_lease using errcode = 'TG002';
  end if;
  -- Its gateway goes on admitting on it when the answer to this is lost: the end that it knows must stay the end.
  if v_lease.amount_nano > 0 and coalesce(v_expires, 'infinity') < coalesce(v_lease.expires_at, 'infinity') then
    raise exception 'lease % would end earlier', p_lease using errcode = 'TG002';
  end if;
  v_entries := v_entries || jsonb_build_object('account', 'held', 'org', v_org.id, 'lease', p_lease, 'amount', -v_amount,
                                               'balance', v_lease.amount_nano + v_amount - v_lease.consumed_nano);
  perform post_transaction('lease', 'lease:' || p_lease || ':' || v_ordinal, 'lease', p_lease::text, 'gateway:' || p_incarnation, v_entries);
  update leases l set amount_nano = l.amount_nano + v_amount, at_list_nano = take_credit.at_list_nano, expires_at = least(l.expires_at, v_expires)
   where l.id = p_lease returning l.expires_at into expires_at;
  perform move_caps(v_org.id, v_key.project_id, v_key.member_id, v_key.id, v_lease.opened_at, v_amount);
  amount_nano := v_amount;
  left_nano := v_room - v_amount;
  return next;
end $$;

-- Takes up to p_amount out of these grants, in this order: how much it was, and the entries that say so. Caller holds the organization.
create function cut_grants(p_grants uuid[], p_amount bigint, out cut_nano bigint, out entries jsonb)
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_id uuid; v_grant grant_balances; v_cut bigint;
begin
  cut_nano := 0;
  entries := '[]';
  foreach v_id in array p_grants loop
    select * into v_grant from grant_balances b where b.grant_id = v_id;
    v_cut := least(p_amount - cut_nano, v_grant.available_nano);
    continue when v_cut <= 0;
    update grant_balances b set available_nano = b.available_nano - v_cut where b.grant_id = v_id;
    entries := entries || jsonb_build_object('account', 'credit', 'org', v_grant.org_id, 'grant', v_id, 'amount', v_cut,
                                             'balance', v_grant.available_nano - v_cut);
    cut_nano := cut_nano + v_cut;
  end loop;
end $$;

-- What the customer owes is paid as soon as there is credit again, also from a grant that is about to expire: nobody loses
-- credit and owes all the same. Caller holds the organization.
create function repay_overdraft(p_org uuid, p_actor text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_owed bigint; v_paid record;
begin
  select overdraft_nano into v_owed from organizations where id = p_org;
  if v_owed = 0 then return; end if;
  v_paid := cut_grants(array(select b.grant_id from grant_balances b join credit_grants g on g.id = b.grant_id
                              where b.org_id = p_org and b.available_nano > 0
                              order by g.priority, g.expires_at asc nulls last, g.created_at, g.id), v_owed);
  if v_paid.cut_nano = 0 then return; end if;
  update organizations set overdraft_nano = v_owed - v_paid.cut_nano where id = p_org;
  perform post_transaction('repayment', 'repayment:' || p_org || ':' || gen_random_uuid(), 'organization', p_org::text, p_actor,
    v_paid.entries || jsonb_build_object('account', 'overdraft', 'org', p_org, 'amount', -v_paid.cut_nano));
end $$;

-- Takes p_amount (at most what is unspent) out of a lease's last slices, back to their grants, or to breakage where those
-- have expired or are void (0009), or to us where they were lent (0011). Caller holds the organization and the lease.
create function return_slices(p_lease leases, p_amount bigint, p_actor text) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_rest bigint := least(p_amount, p_lease.amount_nano - p_lease.consumed_nano); v_total bigint; v_slice record; v_cut bigint;
        v_now timestamptz := billing_now(); v_balance bigint; v_entries jsonb := '[]'; v_is_line_cut boolean := false;
begin
  if v_rest <= 0 then return 0; end if;
  v_total := v_rest;
  for v_slice in select s.ordinal, s.grant_id, s.amount_nano, g.source,
                        g.expires_at <= v_now or exists (select from grant_voids v where v.grant_id = g.id) as has_ended
                   from lease_slices s join credit_grants g on g.id = s.grant_id
                  where s.lease_id = p_lease.id and s.amount_nano > 0 order by s.ordinal desc loop
    exit when v_rest = 0;
    v_cut := least(v_rest, v_slice.amount_nano);
    update lease_slices s set amount_nano = s.amount_nano - v_cut where s.lease_id = p_lease.id and s.ordinal = v_slice.ordinal;
    if v_slice.has_ended and v_slice.source = 'credit_line' then
      v_entries := v_entries || jsonb_build_object('account', 'credit_line', 'org', p_lease.org_id, 'amount', -v_cut);
      v_is_line_cut := true;
    elsif v_slice.has_ended then
      v_entries := v_entries || jsonb_build_object('account', 'breakage', 'org', p_lease.org_id, 'amount', -v_cut);
    else
      update grant_balances b set available_nano = b.available_nano + v_cut where b.grant_id = v_slice.grant_id
        returning b.available_nano into v_balance;
      v_entries := v_entries || jsonb_build_object('account', 'credit', 'org', p_lease.org_id, 'grant', v_slice.grant_id,
                                                   'amount', -v_cut, 'balance', v_balance);
    end if;
    v_rest := v_rest - v_cut;
  end loop;
  v_entries := v_entries || jsonb_build_object('account', 'held', 'org', p_lease.org_id, 'lease', p_lease.id, 'amount', v_total,
                                               'balance', p_lease.amount_nano - v_total - p_lease.consumed_nano);
  perform post_transaction('lease_return', 'lease-return:' || p_lease.id || ':' || gen_random_uuid(), 'lease', p_lease.id::text, p_actor, v_entries);
  update leases l set amount_nano = l.amount_nano - v_total, at_list_nano = least(l.at_list_nano, l.amount_nano - v_total) where l.id = p_lease.id;
  perform move_caps(p_lease.org_id, p_lease.project_id, p_lease.member_id, p_lease.api_key_id, p_lease.opened_at, -v_total);
  perform repay_overdraft(p_lease.org_id, p_actor);
  if v_is_line_cut then perform level_credit_line(p_lease.org_id, p_actor); end if;
  return v_total;
end $$;

-- A gateway gives free credit back: p_amount of it, or all and closes the lease. A lease that is closed before it exists will
-- never exist: its gateway has given up waiting for take_credit, which may yet be executed (by a server that thaws, say).
create function give_back(p_incarnation uuid, p_lease uuid, p_api_key uuid, p_amount bigint, p_close boolean) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_lease leases; v_returned bigint;
begin
  perform 1 from gateway_incarnations i where i.id = p_incarnation and i.fenced_at is null for share;
  if not found then raise exception 'incarnation % is fenced', p_incarnation using errcode = 'TG001'; end if;
  if p_close then
    insert into leases (id, incarnation_id, org_id, project_id, member_id, api_key_id, amount_nano, closed_at, closed_reason)
      select p_lease, p_incarnation, k.org_id, k.project_id, k.member_id, k.id, 0, billing_now(), 'never opened' from api_keys k where k.id = p_api_key
      on conflict (id) do nothing;
  end if;
  select * into v_lease from leases l where l.id = p_lease and l.incarnation_id = p_incarnation and l.closed_at is null;
  if not found then return 0; end if;
  perform 1 from organizations o where o.id = v_lease.org_id for no key update;
  select * into v_lease from leases l where l.id = p_lease for update;
  if v_lease.closed_at is not null then return 0; end if;
  v_returned := return_slices(v_lease, case when p_close then v_lease.amount_nano else p_amount end, 'gateway:' || p_incarnation);
  if p_close then update leases set closed_at = billing_now(), closed_reason = 'given back' where id = p_lease; end if;
  return v_returned;
end $$;

-- The caretaker closes what a fenced gateway left, once its journal is replayed (or ten minutes after fencing).
create function close_incarnation(p_incarnation uuid, p_reason text, p_journal_known boolean) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_lease leases; v_id uuid; v_count integer := 0;
begin
  perform 1 from gateway_incarnations i where i.id = p_incarnation and i.fenced_at is not null for share;
  if not found then raise exception 'incarnation % is not fenced', p_incarnation; end if;
  for v_id in select l.id from leases l where l.incarnation_id = p_incarnation and l.closed_at is null order by l.org_id, l.id loop
    select * into v_lease from leases l where l.id = v_id;
    perform 1 from organizations o where o.id = v_lease.org_id for no key update;
    select * into v_lease from leases l where l.id = v_id for update;
    perform return_slices(v_lease, v_lease.amount_nano, 'caretaker');
    update leases set closed_at = billing_now(), closed_reason = p_reason where id = v_id;
    v_count := v_count + 1;
  end loop;
  update gateway_incarnations
     set closed_at = coalesce(closed_at, clock_timestamp()),
         journal_known_at = coalesce(journal_known_at, case when p_journal_known then clock_timestamp() end)
   where id = p_incarnation;
  return v_count;
end $$;

-- How much of the list price of a record that does not fit its lease is at the plan's own rate. It is paid in this order: at list price from
-- the lease, beyond it from the lease, at list price from available credit up to the end of the included, and beyond that.
create function beyond_of(p_org uuid, p_list bigint, p_ppm integer, p_lease_at_list bigint, p_lease_left bigint) returns bigint
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare v_rest bigint := greatest(0, p_list - p_lease_at_list); v_from_lease bigint; v_at_list bigint;
begin
  v_from_lease := least(v_rest, div((p_lease_left - p_lease_at_list)::numeric * 1000000, p_ppm));
  v_rest := v_rest - v_from_lease;
  if v_rest > 0 then
    select coalesce(max(b.upto) filter (where b.is_included), 0) into v_at_list
      from (select g.is_included, sum(g.available_nano) over (order by g.at) as upto
              from burnable_grants(p_org) with ordinality g(grant_id, available_nano, expires_at, is_included, at)) b;
    v_rest := greatest(0, v_rest - v_at_list);
  end if;
  return v_from_lease + v_rest;
end $$;

-- Settles one record that does not fit its lease, if it is not known: what is left of the lease, then available credit in burn order, then down to
-- the floor, the rest is ours (ops_losses 'overshoot', or 'late' when the lease was closed before).
create function settle_beyond_lease(p_incarnation uuid, r json) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_org organizations; v_lease leases; v_grant record; v_cut bigint; v_rated bigint := (r ->> 'rated_nano')::bigint;
  v_member uuid; v_ppm integer; v_beyond bigint; v_due bigint := v_rated; v_left bigint := 0; v_at_list bigint := 0; v_rest bigint; v_from_lease bigint := 0; v_outside bigint; v_owed bigint; v_late boolean; v_tx bigint; v_entries jsonb := '[]';
begin
  select * into v_org from organizations o where o.id = (r ->> 'org_id')::uuid for no key update;
  if exists (select from usage_records u where u.request_id = (r ->> 'request_id')::uuid) then return; end if;
  select * into v_lease from leases l where l.id = (r ->> 'lease_id')::uuid and l.incarnation_id = p_incarnation for update;
  v_late := v_lease.id is null or v_lease.closed_at is not null;
  v_member := case when v_lease.id is null then (r ->> 'member_id')::uuid else v_lease.member_id end;
  if not v_late then
    v_left := v_lease.amount_nano - v_lease.consumed_nano;
    v_at_list := greatest(0, v_lease.at_list_nano - v_lease.consumed_nano);
  end if;
  v_ppm := case when v_lease.id is null then rate_beyond_included(v_org.plan_version_id, (r ->> 'project_id')::uuid) else v_lease.beyond_ppm end;
  if v_ppm is not null then
    v_beyond := beyond_of(v_org.id, v_rated, v_ppm, v_at_list, v_left);
    v_due := v_rated - v_beyond + at_rate(v_beyond, v_ppm);
  end if;
  v_from_lease := least(v_due, v_left);
  v_rest := v_due - v_from_lease;
  if v_from_lease > 0 then
    update leases set consumed_nano = consumed_nano + v_from_lease where id = v_lease.id;
    v_entries := v_entries || jsonb_build_object('account', 'held', 'org', v_org.id, 'lease', v_lease.id, 'amount', v_from_lease,
                                                 'balance', v_lease.amount_nano - v_lease.consumed_nano - v_from_lease);
  end if;
  for v_grant in select * from burnable_grants(v_org.id) loop
    exit when v_rest = 0;
    v_cut := least(v_rest, v_grant.available_nano);
    update grant_balances b set available_nano = b.available_nano - v_cut where b.grant_id = v_grant.grant_id;
    v_entries := v_entries || jsonb_build_object('account', 'credit', 'org', v_org.id, 'grant', v_grant.grant_id, 'amount', v_cut,
                                                 'balance', v_grant.available_nano - v_cut);
    v_rest := v_rest - v_cut;
  end loop;
  v_owed := least(v_rest, greatest(0, v_org.overdraft_floor_nano - v_org.overdraft_nano));
  if v_owed > 0 then
    update organizations set overdraft_nano = overdraft_nano + v_owed where id = v_org.id;
    v_entries := v_entries || jsonb_build_object('account', 'overdraft', 'org', v_org.id, 'amount', v_owed);
    v_rest := v_rest - v_owed;
  end if;
  if v_rest > 0 then v_entries := v_entries || jsonb_build_object('account', 'ops_loss', 'org', v_org.id, 'amount', v_rest); end if;
  if v_due > 0 then
    v_entries := v_entries || jsonb_build_object('account', 'revenue_usage', 'amount', -v_due);
    v_tx := post_transaction('beyond_lease', 'beyond:' || (r ->> 'request_id'), 'request', r ->> 'request_id', 'gateway:' || p_incarnation, v_entries);
  end if;
  if v_rest > 0 then
    insert into ops_losses values ((r ->> 'request_id')::uuid, coalesce((r ->> 'winner')::smallint, 0),
                                   case when v_late then 'late' else 'overshoot' end, v_rest, v_tx);
  end if;
  v_outside := v_due - v_rest - v_from_lease;
  if v_outside > 0 then
    perform move_caps(v_org.id, (r ->> 'project_id')::uuid, v_member, (r ->> 'api_key_id')::uuid,
                      to_timestamp((r ->> 'admitted_ms')::bigint / 1000.0), v_outside);
  end if;
  insert into usage_records (request_id, org_id, project_id, member_id, api_key_id, incarnation_id, lease_id, model_id, dialect, streamed,
                             price_version_id, meters, usage_source, delivered_bytes, rated_nano, beyond_nano, beyond_ppm, due_nano, charge_nano, outcome,
                             winner, transaction_id, late, admitted_at)
    values ((r ->> 'request_id')::uuid, v_org.id, (r ->> 'project_id')::uuid, v_member, (r ->> 'api_key_id')::uuid, p_incarnation,
            (r ->> 'lease_id')::uuid, r ->> 'model_id', r ->> 'dialect', (r ->> 'streamed')::boolean, (r ->> 'price_version_id')::uuid,
            (r -> 'meters')::jsonb, r ->> 'usage_source', (r ->> 'delivered_bytes')::bigint, v_rated, v_beyond, v_ppm, v_due, v_due - v_rest, r ->> 'outcome',
            (r ->> 'winner')::smallint, v_tx, v_late, to_timestamp((r ->> 'admitted_ms')::bigint / 1000.0));
end $$;

-- Settles, in one statement, what of a batch fits its lease: all but a few (D4). The owner may while it is not fenced; a replay
-- (p_replay) only after it is. Only rows that were not there before are posted. result: 'settled', 'known', 'conflict' (known with
-- another charge), or 'beyond': not settled, neither it nor its attempts, for settle_beyond.
-- Its plan is made once, often while usage_records is still empty, where a scan of the whole table looks cheapest: without these
-- settings a request costs more with every batch before it (`node bench/settle-batch.ts`: 116, 148, 223 us; with them 88, 98, 120).
-- So are leases found by their ids: a plan of a young database read all there ever were, older ones first, for each batch (2.5 ms beside
-- 5,000 closed ones instead of 0.4). enable_material: or it keeps that list. coalesce below: or the index of open leases is as good as an id.
create function settle_batch(p_incarnation uuid, p_replay boolean, p_records json, p_attempts json)
returns table (settled_request_id uuid, result text) language plpgsql security definer set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off as $$
declare v_fenced timestamptz; v_tx bigint := nextval('ledger_transactions_id_seq'); v_row record;
begin
  select i.fenced_at into v_fenced from gateway_incarnations i where i.id = p_incarnation for share;
  if not found or (v_fenced is not null) <> p_replay then
    raise exception 'incarnation % is %', p_incarnation, case when p_replay then 'not fenced' else 'fenced' end using errcode = 'TG001';
  end if;
  for v_row in
    with input as materialized (
      select * from json_to_recordset(p_records) as r(
        request_id uuid, org_id uuid, project_id uuid, member_id uuid, api_key_id uuid, lease_id uuid, model_id text, dialect text, streamed boolean,
        price_version_id uuid, meters jsonb, usage_source text, delivered_bytes bigint, rated_nano bigint, outcome text, winner smallint, admitted_ms bigint)
    ), numbered as materialized (
      select i.*, row_number() over () as ordinal from input i
    ), priced as (
      select n.*, u.request_id as known_id, coalesce(u.rated_nano, 0) as known_rated,
             case when l.closed_at is null then coalesce(l.amount_nano - l.consumed_nano, 0) else 0 end as lease_left,
             l.beyond_ppm, greatest(0, l.at_list_nano - l.consumed_nano) as at_list_left,
             -- Whose key it was when the lease was cut (D108): the gateway may have heard later that it is another one's.
             case when l.id is null then n.member_id else l.member_id end as spent_by,
             sum(case when u.request_id is null then n.rated_nano else 0 end) over on_lease as rated_upto,
             row_number() over on_lease as nth
        from numbered n
        left join usage_records u on u.request_id = n.request_id
        left join leases l on l.id = n.lease_id and l.incarnation_id = p_incarnation -- closed: it has nothing left, and its rate all the same
      window on_lease as (partition by n.lease_id order by n.ordinal)
    ), judged as materialized (
      -- beyond: what the records on this lease come to beyond its part at list price, with this one less without it. Each rounds up once.
      select p.*, p.beyond_upto - p.beyond_before as beyond_nano,
             case when p.beyond_ppm is null then p.rated_nano
                  else p.rated_nano - (p.beyond_upto - p.beyond_before) + at_rate((p.beyond_upto - p.beyond_before)::bigint, p.beyond_ppm) end as due_nano,
             case when p.beyond_ppm is null then p.rated_upto
                  else p.rated_upto - p.beyond_upto + at_rate(p.beyond_upto::bigint, p.beyond_ppm) + p.nth - 1 end as needed
        from (select p.*, case when p.beyond_ppm is not null then greatest(0, p.rated_upto - p.at_list_left) end as beyond_upto,
                     case when p.beyond_ppm is not null then greatest(0, p.rated_upto - p.rated_nano - p.at_list_left) end as beyond_before
                from priced p) p
    ), tries as materialized (
      select * from json_to_recordset(p_attempts) as a(
        request_id uuid, n smallint, org_id uuid, channel_id uuid, channel_key_id uuid, model_id text, upstream_model text, cost_version_id uuid,
        outcome text, failure_class text, status smallint, sent_ms bigint, first_byte_ms integer, duration_ms integer, cost_nano bigint)
    ), inserted as (
      insert into usage_records (request_id, org_id, project_id, member_id, api_key_id, incarnation_id, lease_id, model_id, dialect, streamed,
                                 price_version_id, meters, usage_source, delivered_bytes, rated_nano, beyond_nano, beyond_ppm, due_nano, charge_nano, outcome,
                                 winner, transaction_id, admitted_at)
      select j.request_id, j.org_id, j.project_id, j.spent_by, j.api_key_id, p_incarnation, j.lease_id, j.model_id, j.dialect, j.streamed,
             j.price_version_id, j.meters, j.usage_source, j.delivered_bytes, j.rated_nano, j.beyond_nano, j.beyond_ppm, j.due_nano, j.due_nano, j.outcome,
             j.winner, v_tx, to_timestamp(j.admitted_ms / 1000.0)
        from judged j where j.known_id is null and j.needed <= j.lease_left
      on conflict (request_id) do nothing
      returning usage_records.request_id, usage_records.lease_id, usage_records.charge_nano
    ), tried as (
      insert into attempts (request_id, n, incarnation_id, org_id, channel_id, channel_key_id, model_id, upstream_model, cost_version_id, outcome,
                            failure_class, status, sent_at, first_byte_ms, duration_ms, cost_nano)
      select t.request_id, t.n, p_incarnation, t.org_id, t.channel_id, t.channel_key_id, t.model_id, t.upstream_model, t.cost_version_id, t.outcome,
             t.failure_class, t.status, to_timestamp(t.sent_ms / 1000.0), t.first_byte_ms, t.duration_ms, t.cost_nano
        from tries t
       where t.request_id <> all (coalesce((select array_agg(j.request_id) from judged j where j.known_id is null and j.needed > j.lease_left), '{}'))
      on conflict (request_id, n) do update
        set outcome = excluded.outcome, failure_class = excluded.failure_class, status = excluded.status,
            first_byte_ms = excluded.first_byte_ms, duration_ms = excluded.duration_ms, cost_nano = excluded.cost_nano
      where attempts.outcome = 'orphaned' and attempts.reconciled_at is null
      returning attempts.channel_id, attempts.cost_nano
    ), spent as (
      select i.lease_id, sum(i.charge_nano) as total from inserted i where i.charge_nano > 0 group by i.lease_id
    ), taken as (
      update leases l set consumed_nano = l.consumed_nano + s.total from spent s where l.id = s.lease_id and coalesce(l.closed_at, 'infinity') = 'infinity'
      returning l.id, l.org_id, s.total, l.amount_nano - l.consumed_nano as unspent, l.beyond_ppm,
                greatest(0, l.at_list_nano - l.consumed_nano + s.total) as at_list_left
    ), costs as (
      select t.channel_id, sum(t.cost_nano) as total from tried t where t.cost_nano > 0 group by t.channel_id
    ), lines as (
      select 'held' as account, t.org_id, t.id as lease_id, null::uuid as channel_id, t.total as amount, t.unspent as balance from taken t
      union all select 'revenue_usage', null, null, null, -sum(s.total), null from spent s having sum(s.total) > 0
      union all select 'upstream_cost', null, null, c.channel_id, c.total, null from costs c
      union all select 'upstream_payable', null, null, c.channel_id, -c.total, null from costs c
    ), booked as (
      insert into ledger_transactions (id, kind, idempotency_key, source_kind, source_id, actor) overriding system value
      select v_tx, 'settlement', 'settlement:' || v_tx, 'incarnation', p_incarnation::text, case when p_replay then 'replay' else 'gateway' end
       where exists (select from lines)
    ), entries as (
      insert into ledger_entries (transaction_id, line, account, org_id, lease_id, channel_id, amount_nano, balance_after_nano)
      select v_tx, row_number() over (), l.account, l.org_id, l.lease_id, l.channel_id, l.amount, l.balance from lines l
      returning amount_nano
    )
    select j.request_id, j.ordinal, j.rated_nano, j.known_rated,
           case when j.known_id is not null and j.known_rated = j.rated_nano then 'known' when j.known_id is not null then 'conflict'
                when j.needed <= j.lease_left then 'settled' else 'beyond' end as result,
           case when j.ordinal = 1 then (select sum(e.amount_nano) from entries e) end as unbalanced,
           j.ordinal = 1 and exists (
             select from taken t join judged o on o.lease_id = t.id
              where t.beyond_ppm is not null and t.at_list_left <> o.at_list_left) as is_overtaken
      from judged j
  loop
    -- Another batch spent of the lease, or part of it went back, while this one waited: at list price is less than this one saw.
    if v_row.is_overtaken then raise exception 'a lease of settlement % has changed', v_tx using errcode = 'serialization_failure'; end if;
    if v_row.unbalanced <> 0 then raise exception 'settlement % is off by %', v_tx, v_row.unbalanced using errcode = 'check_violation'; end if;
    if v_row.result = 'conflict' then
      insert into settlement_conflicts (request_id, rated_nano, first_rated_nano) values (v_row.request_id, v_row.rated_nano, v_row.known_rated);
    end if;
    settled_request_id := v_row.request_id; result := v_row.result; return next;
  end loop;
end $$;

-- Settles what settle_batch found to be beyond its lease. A transaction of its own: settle_batch ends with leases locked, and
-- whoever then asked for an organization would meet take_credit, which has the organization and asks for the lease.
create function settle_beyond(p_incarnation uuid, p_replay boolean, p_records json, p_attempts json) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_record json;
begin
  perform settle_batch(p_incarnation, p_replay, '[]', p_attempts);
  for v_record in select e.value from json_array_elements(p_records) with ordinality e
                   order by (e.value ->> 'org_id')::uuid, (e.value ->> 'lease_id')::uuid, e.ordinality loop
    perform settle_beyond_lease(p_incarnation, v_record);
  end loop;
end $$;

-- A record that PostgreSQL refuses for its data must not keep its whole batch from being settled: a person decides about it.
-- Its request has a receipt (at charge 0) and its attempts are there for the provider's export, as far as its data allow.
create function quarantine_record(p_incarnation uuid, p_request uuid, p_record jsonb, p_reason text, p_charge bigint) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into settlement_quarantine (request_id, incarnation_id, record, reason, charge_nano)
    select p_request, p_incarnation, p_record, p_reason, p_charge
     where not exists (select from settlement_quarantine q where q.incarnation_id = p_incarnation and q.record = p_record);
  begin
    insert into attempts (request_id, n, incarnation_id, org_id, channel_id, channel_key_id, model_id, upstream_model, cost_version_id, outcome,
                          failure_class, status, sent_at, first_byte_ms, duration_ms)
      select a.request_id, a.n, p_incarnation, a.org_id, a.channel_id, a.channel_key_id, a.model_id, a.upstream_model, a.cost_version_id, a.outcome,
             a.failure_class, a.status, to_timestamp(a.sent_ms / 1000.0), a.first_byte_ms, a.duration_ms
        from jsonb_to_recordset(p_record -> 'attempts') as a(
          request_id uuid, n smallint, org_id uuid, channel_id uuid, channel_key_id uuid, model_id text, upstream_model text, cost_version_id uuid,
          outcome text, failure_class text, status smallint, sent_ms bigint, first_byte_ms integer, duration_ms integer)
      on conflict (request_id, n) do nothing;
  exception when data_exception or integrity_constraint_violation then null; -- this may be what was refused
  end;
  begin
    insert into usage_records (request_id, org_id, project_id, member_id, api_key_id, incarnation_id, lease_id, model_id, dialect, streamed,
                               price_version_id, meters, usage_source, delivered_bytes, rated_nano, due_nano, charge_nano, outcome, winner, admitted_at)
      select r.request_id, r.org_id, r.project_id, r.member_id, r.api_key_id, p_incarnation, r.lease_id, r.model_id, r.dialect, r.streamed,
             r.price_version_id, '{}', 'none', r.delivered_bytes, 0, 0, 0, 'quarantined', r.winner, to_timestamp(r.admitted_ms / 1000.0)
        from jsonb_to_record(p_record -> 'usage') as r(
          request_id uuid, org_id uuid, project_id uuid, member_id uuid, api_key_id uuid, lease_id uuid, model_id text, dialect text, streamed boolean,
          price_version_id uuid, delivered_bytes bigint, winner smallint, admitted_ms bigint)
      on conflict (request_id) do nothing;
  exception when data_exception or integrity_constraint_violation then null;
  end;
end $$;

-- Returns Postgres' time, from which the gateway reckons on by its monotonic clock, and how far the clock of billing is ahead of it.
create function renew_incarnation(p_incarnation uuid, out real_time timestamptz, out clock_ahead interval)
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update gateway_incarnations i set renewed_at = clock_timestamp(), clock_ahead = billing_now() - now()
   where i.id = p_incarnation and i.fenced_at is null returning i.clock_ahead into clock_ahead;
  if not found then raise exception 'incarnation % is fenced', p_incarnation using errcode = 'TG001'; end if;
  real_time := clock_timestamp();
end $$;

-- p_died: a supervisor saw the process die. Otherwise 90 s of silence, and never within 90 s of Postgres' own start or promotion,
-- which begins a new timeline: gateways that could not reach it must have had the time to.
create function fence_incarnations(p_died uuid) returns setof uuid
language sql security definer set search_path = public, pg_temp as $$
  insert into server_timelines values (substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)) on conflict do nothing;
  update gateway_incarnations set fenced_at = clock_timestamp(), fenced_reason = case when id = p_died then 'process died' else 'silent for 90 s' end
   where fenced_at is null
     and (id = p_died or (p_died is null and renewed_at < clock_timestamp() - interval '90 seconds'
                          and pg_postmaster_start_time() < clock_timestamp() - interval '90 seconds'
                          and not exists (select from server_timelines t where t.first_seen_at > clock_timestamp() - interval '90 seconds')))
  returning id
$$;

-- An intent without an end in a dead gateway's journal. Never charged; its cost is unknown until the provider's export says.
create function record_orphan(p_incarnation uuid, p_request uuid, p_n smallint, p_org uuid, p_channel uuid, p_channel_key uuid, p_model text,
                              p_upstream_model text, p_cost_version uuid, p_sent timestamptz) returns boolean
language sql security definer set search_path = public, pg_temp as $$
  with written as (
    insert into attempts (request_id, n, incarnation_id, org_id, channel_id, channel_key_id, model_id, upstream_model, cost_version_id, outcome, sent_at)
      values (p_request, p_n, p_incarnation, p_org, p_channel, p_channel_key, p_model, p_upstream_model, p_cost_version, 'orphaned', p_sent)
    on conflict (request_id, n) do nothing returning 1)
  select exists (select from written)
$$;

-- Makes a grant, which first repays what the customer owes, and returns its side of the entries: what they are balanced by, and so the
-- transaction, is the caller's. Caller holds the organization.
create function open_grant(p_id uuid, p_org uuid, p_source text, p_priority smallint, p_amount bigint, p_paid_cents integer,
                           p_payment uuid, p_expires timestamptz, p_note text, p_actor text)
returns jsonb language plpgsql security definer set search_path = public, pg_temp as $$
declare v_repaid bigint; v_entries jsonb;
begin
  insert into credit_grants (id, org_id, source, priority, amount_nano, paid_cents, payment_id, expires_at, created_by, note)
    values (p_id, p_org, p_source, p_priority, p_amount, p_paid_cents, p_payment, p_expires, p_actor, p_note);
  select least(p_amount, o.overdraft_nano) into v_repaid from organizations o where o.id = p_org;
  insert into grant_balances values (p_id, p_org, p_amount - v_repaid);
  v_entries := jsonb_build_array(
    jsonb_build_object('account', 'credit', 'org', p_org, 'grant', p_id, 'amount', -p_amount, 'balance', p_amount));
  if v_repaid > 0 then
    update organizations set overdraft_nano = overdraft_nano - v_repaid where id = p_org;
    v_entries := v_entries || jsonb_build_array(
      jsonb_build_object('account', 'credit', 'org', p_org, 'grant', p_id, 'amount', v_repaid, 'balance', p_amount - v_repaid),
      jsonb_build_object('account', 'overdraft', 'org', p_org, 'amount', -v_repaid));
  end if;
  return v_entries;
end $$;

-- Credit that nobody paid for.
create function issue_grant(p_id uuid, p_org uuid, p_source text, p_priority smallint, p_amount bigint, p_paid_cents integer,
                            p_expires timestamptz, p_note text, p_actor text)
returns uuid language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform 1 from organizations o where o.id = p_org for no key update;
  if not found then raise exception 'no organization %', p_org using errcode = 'foreign_key_violation'; end if;
  perform post_transaction('grant', 'grant:' || p_id, 'grant', p_id::text, p_actor,
    jsonb_build_array(jsonb_build_object('account', 'funding', 'org', p_org, 'amount', p_amount))
    || open_grant(p_id, p_org, p_source, p_priority, p_amount, p_paid_cents, null, p_expires, p_note, p_actor));
  return p_id;
end $$;

-- Unleased money of expired grants becomes breakage; what leases hold of them follows when it comes back.
create function expire_grants() returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_grant record; v_left bigint; v_count integer := 0;
begin
  for v_grant in select g.id, g.org_id from credit_grants g join grant_balances b on b.grant_id = g.id
                  where g.expires_at <= billing_now() and b.available_nano > 0 order by g.org_id, g.id loop
    perform 1 from organizations o where o.id = v_grant.org_id for no key update;
    perform repay_overdraft(v_grant.org_id, 'caretaker');
    select available_nano into v_left from grant_balances where grant_id = v_grant.id for update;
    continue when v_left = 0;
    update grant_balances set available_nano = 0 where grant_id = v_grant.id;
    perform post_transaction('expiry', 'expiry:' || v_grant.id || ':' || gen_random_uuid(), 'grant', v_grant.id::text, 'caretaker', jsonb_build_array(
      jsonb_build_object('account', 'credit', 'org', v_grant.org_id, 'grant', v_grant.id, 'amount', v_left, 'balance', 0),
      jsonb_build_object('account', 'breakage', 'org', v_grant.org_id, 'amount', -v_left)));
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;

-- What the provider says an attempt cost: the attempt learns it, and what neither a record nor an earlier loss carries is our loss.
-- Idempotent. p_reason null: the attempt's own outcome. Returns what was posted to ops_loss.
create function reconcile_attempt(p_request uuid, p_n smallint, p_metered bigint, p_reason text) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_attempt attempts; v_loss bigint; v_tx bigint; v_reason text;
begin
  select * into v_attempt from attempts a where a.request_id = p_request and a.n = p_n for update;
  if not found or v_attempt.reconciled_at is not null then return 0; end if;
  v_loss := p_metered - coalesce(v_attempt.cost_nano, 0)
            - coalesce((select l.amount_nano from ops_losses l where l.request_id = p_request and l.n = p_n and l.reason = 'unclaimed'), 0);
  v_reason := coalesce(p_reason, case when v_attempt.outcome = 'won' then 'usage_mismatch' else v_attempt.outcome end);
  update attempts set reconciled_at = clock_timestamp(), cost_nano = coalesce(nullif(cost_nano, 0), p_metered)
   where request_id = p_request and n = p_n;
  if v_loss <> 0 then
    v_tx := post_transaction('ops_loss', 'ops-loss:' || p_request || '.' || p_n, 'attempt', p_request || '.' || p_n, 'usage export', jsonb_build_array(
      jsonb_build_object('account', 'ops_loss', 'org', v_attempt.org_id, 'channel', v_attempt.channel_id, 'amount', v_loss),
      jsonb_build_object('account', 'upstream_payable', 'channel', v_attempt.channel_id, 'amount', -v_loss)));
    insert into ops_losses values (p_request, p_n, v_reason, v_loss, v_tx);
  end if;
  return v_loss;
end $$;

-- An attempt that the provider's export should hold by now and does not hold cost nothing. It is not reconciled by that: should the
-- provider say otherwise later, its word counts.
create function attempts_never_arrived(p_channel uuid, p_complete_until timestamptz) returns void
language sql security definer set search_path = public, pg_temp as $$
  update attempts a set cost_nano = 0
   where a.channel_id = p_channel and a.cost_nano is null and a.reconciled_at is null
     and a.sent_at + make_interval(secs => coalesce(a.duration_ms, 0) / 1000.0) < p_complete_until
     and not exists (select from usage_export_rows r where r.request_id = a.request_id and r.n = a.n)
$$;

-- Exported long ago, and no attempt of ours: somebody else uses our key, or a journal was lost. Our loss, once; should its attempt
-- turn up after all, reconcile_attempt counts it.
create function post_unclaimed(p_request uuid, p_n smallint, p_channel uuid, p_metered bigint) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if p_metered = 0 or exists (select from ops_losses l where l.request_id = p_request and l.n = p_n and l.reason = 'unclaimed') then return; end if;
  insert into ops_losses values (p_request, p_n, 'unclaimed', p_metered,
    post_transaction('ops_loss', 'unclaimed:' || p_request || '.' || p_n, 'attempt', p_request || '.' || p_n, 'usage export', jsonb_build_array(
      jsonb_build_object('account', 'ops_loss', 'channel', p_channel, 'amount', p_metered),
      jsonb_build_object('account', 'upstream_payable', 'channel', p_channel, 'amount', -p_metered))));
end $$;

-- balance = available + unspent money of leases. reserved: leased to running gateways; settling: in leases of dead ones.
create function balance_of(p_org uuid) returns table (balance_nano bigint, available_nano bigint, reserved_nano bigint, settling_nano bigint)
language sql stable security definer set search_path = public, pg_temp as $$
  with available as (
    select coalesce(sum(b.available_nano), 0)::bigint - (select o.overdraft_nano from organizations o where o.id = p_org) as total from burnable_grants(p_org) b
  ), held as (
    select coalesce(sum(l.amount_nano - l.consumed_nano) filter (where i.fenced_at is null), 0)::bigint as running,
           coalesce(sum(l.amount_nano - l.consumed_nano) filter (where i.fenced_at is not null), 0)::bigint as dead
      from leases l join gateway_incarnations i on i.id = l.incarnation_id where l.org_id = p_org and l.closed_at is null
  )
  select a.total + h.running + h.dead, a.total, h.running, h.dead from available a, held h
$$;

revoke execute on all functions in schema public from public;
grant execute on function at_rate(bigint, integer), billing_now(), billing_moment(), moved_billing_moment(), period_start(text, text, timestamptz), period_end(text, text, timestamptz), burnable_grants(uuid), balance_of(uuid),
  rate_beyond_included(text, uuid) to tollgate_gateway, tollgate_worker, tollgate_readonly;
grant execute on function audit_content(audit_log), audit_hash(audit_log) to tollgate_worker;
grant execute on function take_credit(uuid, uuid, uuid, bigint, bigint, bigint, bigint), give_back(uuid, uuid, uuid, bigint, boolean),
  settle_batch(uuid, boolean, json, json), settle_beyond(uuid, boolean, json, json), quarantine_record(uuid, uuid, jsonb, text, bigint),
  renew_incarnation(uuid)
  to tollgate_gateway;
grant execute on function settle_batch(uuid, boolean, json, json), settle_beyond(uuid, boolean, json, json),
  quarantine_record(uuid, uuid, jsonb, text, bigint), fence_incarnations(uuid),
  close_incarnation(uuid, text, boolean), record_orphan(uuid, uuid, smallint, uuid, uuid, uuid, text, text, uuid, timestamptz), expire_grants(),
  issue_grant(uuid, uuid, text, smallint, bigint, integer, timestamptz, text, text), reconcile_attempt(uuid, smallint, bigint, text),
  attempts_never_arrived(uuid, timestamptz), post_unclaimed(uuid, smallint, uuid, bigint), advance_billing_clock(timestamptz)
  to tollgate_worker;
