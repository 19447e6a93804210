-- The tax that this installation puts on what it sells, one regime at a time (D74). What was ordered under an earlier one keeps it.

-- Up Migration

create table tax_regimes (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (kind in ('none', 'fixed_rate')),
  rate_ppm integer check (rate_ppm between 1 and 1000000),
  effective_at timestamptz not null default billing_moment(),
  made_by text not null,
  check ((kind = 'fixed_rate') = (rate_ppm is not null))
);
create index on tax_regimes (effective_at);
create trigger append_only before update or delete on tax_regimes for each row execute function refuse_change();
create trigger not_emptied before truncate on tax_regimes for each statement execute function refuse_change();

grant select on tax_regimes to tollgate_worker, tollgate_readonly;
grant insert (kind, rate_ppm, made_by) on tax_regimes to tollgate_worker;
