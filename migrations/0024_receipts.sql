-- For each payment that is paid, whose it was when it was paid: so a receipt says the same whenever it is asked for (D96). What else stands on it,
-- payments and invoices say, which do not change.

-- Up Migration

create table receipts (
  payment_id uuid primary key references payments,
  org_id uuid not null references organizations,
  -- In its organization, which is held while a payment of it is recorded: no two have one, and none is missing. Another series since each restore (0030).
  series text not null default '',
  number integer not null check (number > 0),
  -- BillingSnapshot of services/people/billing-details.ts; of an invoice of usage, what that one says.
  bill_to jsonb not null,
  unique (org_id, series, number)
);
create trigger append_only before update or delete on receipts for each row execute function refuse_change();
create trigger not_emptied before truncate on receipts for each statement execute function refuse_change();

-- Whoever makes a payment paid, by whichever of the ways there are.
create function make_receipt() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into receipts (payment_id, org_id, series, number, bill_to)
    select new.id, o.id, s.series, 1 + coalesce((select max(r.number) from receipts r where r.org_id = o.id and r.series = s.series), 0), coalesce(
             (select u.bill_to from usage_invoices u where u.invoice_id = new.invoice_id),
             jsonb_build_object('legalName', coalesce(d.legal_name, o.name), 'address', d.address, 'taxId', d.tax_id, 'taxExempt', coalesce(d.tax_exempt, false),
                                'poNumber', d.po_number, 'billingEmail', d.billing_email, 'version', coalesce(d.version, 1)))
      from (select number_series() as series) s cross join organizations o left join billing_details d on d.org_id = o.id where o.id = new.org_id;
  return null;
end $$;
create trigger make_receipt after update of state on payments
  for each row when (new.state = 'paid' and old.state <> 'paid') execute function make_receipt();
create trigger make_receipt_at_once after insert on payments for each row when (new.state = 'paid') execute function make_receipt();

grant select on receipts to tollgate_worker;
-- To whom it is made out stays unread (D52).
grant select (payment_id, org_id, series, number) on receipts to tollgate_readonly;
select keep_apart('receipts', 'org_id = current_organization()');
