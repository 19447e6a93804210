-- What was agreed on for a sub-account alone: a project of an enterprise whose requests cost less of list price than those of the whole (D95).

-- Up Migration

-- Every change of a project's own price, numbered as those of its organization's plan are (plan_changes, 0009): a lease whose first transaction has
-- a higher number was cut under it. Null: as for the whole organization.
create table project_prices (
  org_id uuid not null references organizations,
  project_id uuid not null references projects,
  ledger_number bigint not null,
  price_of_list_ppm integer,
  at timestamptz not null default billing_now(),
  primary key (project_id, ledger_number)
);
create trigger append_only before update or delete on project_prices for each row execute function refuse_change();
create trigger not_emptied before truncate on project_prices for each statement execute function refuse_change();

-- Whoever changes one holds the organization, so that the numbers are in the order in which they count.
create function record_project_price() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into project_prices (org_id, project_id, ledger_number, price_of_list_ppm)
    values (new.org_id, new.id, nextval('ledger_transactions_id_seq'), new.price_of_list_ppm);
  return null;
end $$;
create trigger record_price after update of price_of_list_ppm on projects
  for each row when (old.price_of_list_ppm is distinct from new.price_of_list_ppm) execute function record_project_price();

-- What gateways have leased at one price is not for requests that come at another.
create trigger recall_for_price after update of price_of_list_ppm on projects
  for each row when (old.price_of_list_ppm is distinct from new.price_of_list_ppm) execute function announce_change('recall', 'org_id');

select keep_apart('project_prices', 'org_id = current_organization()');
grant select on project_prices to tollgate_worker, tollgate_readonly;
