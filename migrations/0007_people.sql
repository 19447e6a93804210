-- People, where they belong, and to whom an invoice is made out. A person is known by a mail address; what he may do is said by his
-- membership of an organization. Sign-in comes on top. Names, mail addresses and postal addresses are read by the worker alone.

-- Up Migration

create table persons (
  id uuid primary key,
  -- As api/routes/field-schemas.ts leaves it: trimmed, in lower case, ASCII.
  email text not null unique check (email ~ '^[!-?\[-~]+@[!-?\[-~]+$' and length(email) <= 254),
  name text not null check (length(name) between 1 and 200),
  locale text not null default 'en' check (locale in ('en', 'zh')),
  -- Of the IANA list.
  time_zone text not null default 'UTC' check (length(time_zone) between 1 and 60),
  -- Of this address; another one is not verified.
  email_verified_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default billing_now()
);
create index on persons (created_at desc, id desc);

-- The link that a person was sent last, to the address that he has. By real time.
create table mail_verifications (
  person_id uuid primary key references persons,
  id uuid not null unique,
  valid_until timestamptz not null,
  used_at timestamptz
);

-- Never deleted: keys and usage name a member after he has left. An organization that has members has an active owner
-- (services/people/memberships.ts).
create table memberships (
  org_id uuid not null references organizations,
  person_id uuid not null references persons,
  role text not null check (role in ('owner', 'admin', 'billing', 'developer', 'viewer')),
  -- An active member takes a seat.
  status text not null default 'active' check (status in ('active', 'suspended', 'removed')),
  -- Suspended for want of a seat, and active again when there is one; whom a person suspended stays so.
  awaits_seat boolean not null default false check (not awaits_seat or status = 'suspended'),
  version integer not null default 1,
  created_at timestamptz not null default billing_now(),
  primary key (org_id, person_id)
);

-- A key works while its member is active. No key of another organization's member, whoever writes it.
alter table api_keys add foreign key (org_id, member_id) references memberships (org_id, person_id);

create trigger announce after update of status on memberships for each row when (old.status <> new.status)
  execute function announce_change('member', 'person_id');

-- Frozen on each invoice as they are when it is made. An organization without a row has said nothing yet.
create table billing_details (
  org_id uuid primary key references organizations,
  legal_name text check (length(legal_name) between 1 and 200),
  -- {line1, line2, city, postalCode, region, country}: country in ISO 3166-1 alpha-2; line2, postalCode and region may be null.
  address jsonb check (jsonb_typeof(address) = 'object'),
  tax_id text check (length(tax_id) between 1 and 50),
  -- As an operator has found by the tax id: nothing that is sold to it is taxed.
  tax_exempt boolean not null default false,
  po_number text check (length(po_number) between 1 and 100),
  -- Null: invoices go to the owners.
  billing_email text check (billing_email ~ '^[!-?\[-~]+@[!-?\[-~]+$' and length(billing_email) <= 254),
  version integer not null default 1,
  check (not tax_exempt or tax_id is not null)
);

grant select (org_id, person_id, status) on memberships to tollgate_gateway;
grant select on persons, memberships, billing_details to tollgate_worker;
grant select, insert, update (id, valid_until, used_at), delete on mail_verifications to tollgate_worker;
grant insert (id, email, name, locale, time_zone, email_verified_at), update (email, name, locale, time_zone, email_verified_at, version) on persons to tollgate_worker;
grant insert (org_id, person_id, role), update (role, status, awaits_seat, version) on memberships to tollgate_worker;
grant insert (org_id), update (legal_name, address, tax_id, tax_exempt, po_number, billing_email, version) on billing_details to tollgate_worker;
-- Who somebody is stays unread (D52).
grant select (id, email_verified_at, version, created_at) on persons to tollgate_readonly;
grant select on mail_verifications to tollgate_readonly;
grant select on memberships to tollgate_readonly;
grant select (org_id, version) on billing_details to tollgate_readonly;
