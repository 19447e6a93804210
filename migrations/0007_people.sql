-- Stands in for the tables of the people package until that is merged: just what notifications are addressed by.

-- Up Migration

create table persons (
  id uuid primary key,
  email text not null unique check (email = lower(email)),
  name text not null,
  locale text not null default 'en' check (locale in ('en', 'zh')),
  email_verified_at timestamptz,
  created_at timestamptz not null default billing_now()
);

create table memberships (
  org_id uuid not null references organizations,
  person_id uuid not null references persons,
  role text not null check (role in ('owner', 'admin', 'billing', 'member')),
  status text not null default 'active' check (status in ('active', 'suspended', 'removed')),
  created_at timestamptz not null default billing_now(),
  primary key (org_id, person_id)
);

create table billing_details (
  org_id uuid primary key references organizations,
  legal_name text,
  address jsonb,
  tax_id text,
  po_number text,
  billing_email text,
  version integer not null default 1
);

grant select on persons, memberships, billing_details to tollgate_worker;
