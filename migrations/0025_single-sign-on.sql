-- Single sign-on of enterprises: whom an organization lets say who its people are, for which mail addresses it may, and as whom it knows each of them
-- (D81). Like all of the schema auth it goes by real time.

-- Up Migration

-- One for each organization that has asked, or for which somebody of ours has opened the local network.
create table identity_providers (
  org_id uuid primary key references organizations,
  -- As its discovery document names itself. Null, like all up to `tested_at`: the organization has none.
  issuer text check (length(issuer) between 1 and 1000),
  client_id text check (length(client_id) between 1 and 500),
  -- Sealed by the vault (services/vault): the client's secret, bound to the issuer.
  sealed jsonb,
  master_key_version integer,
  -- When an owner has come in through it, as it is now.
  tested_at timestamptz,
  -- As what somebody comes in whom nobody has invited. Null: he does not.
  jit_role text check (jit_role in ('developer', 'viewer')),
  -- Members come in no other way.
  enforced boolean not null default false,
  -- It may be on this machine or in this network.
  allow_local boolean not null default false,
  version integer not null default 1,
  check ((issuer is null) = (client_id is null) and (issuer is null) = (sealed is null) and (sealed is null) = (master_key_version is null)),
  check (issuer is not null or tested_at is null),
  check (tested_at is not null or not enforced)
);

-- For which mail addresses an organization's provider may speak: one of our people has made sure that the domain is the organization's.
create table mail_domains (
  domain text primary key check (domain = lower(domain) and length(domain) between 3 and 253),
  org_id uuid not null references organizations,
  confirmed_by text not null check (length(confirmed_by) between 1 and 200),
  confirmed_at timestamptz not null default clock_timestamp()
);
create index on mail_domains (org_id);

-- As whom a provider knows somebody: he comes in by it, whatever becomes of his mail address there.
create table identities (
  id uuid primary key,
  org_id uuid not null,
  person_id uuid not null,
  issuer text not null check (length(issuer) between 1 and 1000),
  subject text not null check (length(subject) between 1 and 255),
  created_at timestamptz not null default clock_timestamp(),
  used_at timestamptz,
  foreign key (org_id, person_id) references memberships (org_id, person_id),
  unique (org_id, issuer, subject)
);
create index on identities (person_id);

-- Through whom a session was opened: it ends with that, and reaches that organization alone. Null: by a password or a passkey.
alter table auth.sessions add column identity_id uuid references identities on delete cascade,
  -- When whoever has no password has proved anew, by his provider, who he is: for the next thing that asks for it, and some minutes.
  add column proved_at timestamptz;
create index on auth.sessions (identity_id);

-- The same of whoever has still to prove the second factor.
alter table auth.challenges add column identity_id uuid references identities on delete cascade;

-- In whose session a passkey was added: what it opens is that one's too, since else a provider could add one that leads elsewhere later.
alter table auth.passkeys add column identity_id uuid references identities on delete cascade;
create index on auth.passkeys (identity_id);

-- Who was sent to a provider and is not back yet. What the browser has is 256 random bits; here is their SHA-256, and of them all that the provider is
-- told is made (state, nonce, PKCE), so a row opens nothing.
create table auth.sign_ons (
  secret_hash bytea primary key check (length(secret_hash) = 32),
  org_id uuid not null references organizations,
  purpose text not null check (purpose in ('sign_in', 'connect', 'proof')),
  -- As which he called himself; null: he is signed in.
  email text,
  session_id uuid references auth.sessions on delete cascade,
  valid_until timestamptz not null,
  check ((purpose = 'sign_in') = (session_id is null) and (purpose = 'sign_in') = (email is not null))
);
create index on auth.sign_ons (valid_until);

-- A link by which somebody who has an account here says that a provider's word is good for it. What is in it is made of the id by TOLLGATE_LINK_SECRET,
-- which is not here.
create table auth.identity_links (
  id uuid primary key,
  person_id uuid not null references persons,
  org_id uuid not null references organizations,
  issuer text not null,
  subject text not null,
  created_at timestamptz not null default clock_timestamp(),
  valid_until timestamptz not null,
  used_at timestamptz
);
create index on auth.identity_links (person_id, created_at);

-- Whoever has left is known by no provider of those whom he left; what he has open through it ends.
create function forget_identities() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  delete from identities where org_id = new.org_id and person_id = new.person_id;
  return null;
end $$;
create trigger forget_identities after update of status on memberships for each row when (new.status = 'removed' and old.status <> 'removed')
  execute function forget_identities();

-- Whether an organization's members come in through its provider alone: it says so, and is an enterprise still.
create function wants_single_sign_on(organization uuid) returns boolean language sql stable security definer set search_path = public, pg_temp as $$
  select exists (select from identity_providers i join organizations o on o.id = i.org_id join plan_versions v on v.id = o.plan_version_id
                  where i.org_id = organization and i.enforced and v.plan = 'enterprise')
$$;
revoke execute on function wants_single_sign_on(uuid) from public;
grant execute on function wants_single_sign_on(uuid) to tollgate_worker;

-- Whether all that somebody belongs to wants that, and none of it is his own: by a password he reaches nothing. Our own people are not asked.
create function belongs_behind_single_sign_on(person uuid) returns boolean language sql stable security definer set search_path = public, pg_temp as $$
  select coalesce(bool_and(m.role <> 'owner' and wants_single_sign_on(m.org_id)), false)
         and not exists (select from staff_roles s where s.person_id = person)
    from memberships m where m.person_id = person and m.status = 'active'
$$;
revoke execute on function belongs_behind_single_sign_on(uuid) from public;
grant execute on function belongs_behind_single_sign_on(uuid) to tollgate_worker;

-- From the moment on in which an organization wants it: what its members have open otherwise, and reaches nothing any more. For its owner, to whom the
-- sessions of others are not shown.
create function end_sessions_beside_single_sign_on(organization uuid) returns void language sql security definer set search_path = public, pg_temp as $$
  delete from auth.sessions s using memberships m
   where m.org_id = organization and m.person_id = s.person_id and s.identity_id is null and belongs_behind_single_sign_on(s.person_id)
$$;
revoke execute on function end_sessions_beside_single_sign_on(uuid) from public;
grant execute on function end_sessions_beside_single_sign_on(uuid) to tollgate_worker;

grant select on identity_providers, mail_domains, identities to tollgate_worker;
grant insert (org_id, allow_local), update (issuer, client_id, sealed, master_key_version, tested_at, jit_role, enforced, allow_local, version)
  on identity_providers to tollgate_worker;
grant insert (domain, org_id, confirmed_by), delete on mail_domains to tollgate_worker;
grant insert (id, org_id, person_id, issuer, subject, used_at), update (used_at), delete on identities to tollgate_worker;
grant update (identity_id, proved_at) on auth.sessions to tollgate_worker;
grant select, insert, delete on auth.sign_ons to tollgate_worker;
grant select, insert, delete, update (used_at) on auth.identity_links to tollgate_worker;

select keep_apart(name::regclass, 'org_id = current_organization()') from unnest(array['identity_providers', 'mail_domains', 'identities']) name;
select keep_apart(name::regclass, 'false') from unnest(array['auth.sign_ons', 'auth.identity_links']) name;
