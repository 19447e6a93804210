-- Free's first credit is given once per person, once per mailbox that is verified and once per card, whatever organization asks for it. An organization whose
-- owners and cards nobody knows has only what an operator gives it, and he may give what he likes (D68).

-- Up Migration

create table trial_claims (
  -- 'person ' and an id, 'mail ' and the SHA-256 of a mailbox (D52), or 'card ' and the fingerprint of a card.
  identity text primary key,
  org_id uuid not null references organizations,
  claimed_at timestamptz not null default billing_now()
);
create trigger append_only before update or delete on trial_claims for each row execute function refuse_change();
create trigger not_emptied before truncate on trial_claims for each statement execute function refuse_change();

-- Under how many addresses one mailbox is read: what stands behind a plus is the reader's to choose, and so are dots at Gmail, which has two names.
create function mailbox_of(p_address text) returns text language sql immutable as $$
  select case when domain in ('gmail.com', 'googlemail.com') then replace(mailbox, '.', '') || '@gmail.com' else mailbox || '@' || domain end
    from (select coalesce(nullif(split_part(split_part(p_address, '@', 1), '+', 1), ''), split_part(p_address, '@', 1)) as mailbox,
                 split_part(p_address, '@', 2) as domain) of_address
$$;

-- By what an organization is known: its owners whose address is verified, their mailboxes, and every card that it has ever left.
create function trial_identities(p_org uuid) returns setof text
language sql stable security definer set search_path = public, pg_temp as $$
  select i from memberships m join persons p on p.id = m.person_id,
         unnest(array['person ' || p.id, 'mail ' || encode(sha256(convert_to(mailbox_of(p.email), 'UTF8')), 'hex')]) i
   where m.org_id = p_org and m.role = 'owner' and p.email_verified_at is not null
  union
  select 'card ' || c.fingerprint from payment_methods c where c.org_id = p_org and c.fingerprint is not null
$$;

-- Whether it may have one: 'claimed', 'had_before' (the person, the mailbox or the card had one, here or elsewhere), or 'unverified' (it has owners, and no
-- address of theirs is verified). Of two who claim the same at once one waits for the other. Unless 'claimed', the caller rolls back.
create function claim_trial(p_org uuid) returns text
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_new integer;
begin
  if exists (select from memberships m where m.org_id = p_org and m.role = 'owner')
     and not exists (select from memberships m join persons p on p.id = m.person_id
                      where m.org_id = p_org and m.role = 'owner' and p.email_verified_at is not null) then
    return 'unverified';
  end if;
  insert into trial_claims (identity, org_id) select i, p_org from trial_identities(p_org) i order by i on conflict do nothing;
  get diagnostics v_new = row_count;
  -- What became known of another organization while it was given its trial: neither saw the other, and it was claimed by none.
  if exists (select from payment_methods c join payment_methods o on o.fingerprint = c.fingerprint and o.org_id <> c.org_id
               join credit_grants g on g.org_id = o.org_id and g.source = 'trial' where c.org_id = p_org)
     or exists (select from memberships m join persons p on p.id = m.person_id and p.email_verified_at is not null
                  join memberships o on o.person_id = m.person_id and o.org_id <> m.org_id and o.role = 'owner'
                  join credit_grants g on g.org_id = o.org_id and g.source = 'trial' where m.org_id = p_org and m.role = 'owner') then
    return 'had_before';
  end if;
  return case when v_new = (select count(*) from trial_identities(p_org)) then 'claimed' else 'had_before' end;
end $$;

-- An address that is verified, or a card that is left, after its organization has had one has had one, too.
create function claim_late() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into trial_claims (identity, org_id)
    select i, o.id
      from organizations o cross join lateral trial_identities(o.id) i
     where o.id in (select m.org_id from memberships m where tg_table_name = 'persons' and m.person_id = (to_jsonb(new) ->> 'id')::uuid
                    union all select (to_jsonb(new) ->> 'org_id')::uuid where tg_table_name <> 'persons')
       and exists (select from credit_grants g where g.org_id = o.id and g.source = 'trial')
     order by i on conflict do nothing;
  return null;
end $$;
create trigger claims_trial after update of email_verified_at on persons
  for each row when (new.email_verified_at is not null) execute function claim_late();
create trigger claims_trial after insert or update of role on memberships for each row execute function claim_late();
create trigger claims_trial after insert on payment_methods for each row execute function claim_late();

grant select on trial_claims to tollgate_worker;
revoke execute on function mailbox_of(text), trial_identities(uuid), claim_trial(uuid) from public;
grant execute on function claim_trial(uuid) to tollgate_worker;
