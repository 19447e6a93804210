// What a customer owes, and what can be done about it.
import { Table } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type Invoice, invoicesQuery } from '../api/organization-questions.ts';
import { useMay } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { nanoOfCents } from '../money.ts';
import { Asked } from './asked.tsx';
import { DunningActs, RecordTransfer, SendPayLink, WaitsForUs } from './invoice-acts.tsx';
import { Moment } from './moment.tsx';
import { Money } from './money.tsx';
import { WideTable } from './wide-table.tsx';

export function CustomerInvoices({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  return (
    <section className="part" aria-labelledby="invoices">
      <h2 id="invoices">{t('customer.invoices')}</h2>
      <Asked question={useInfiniteQuery(invoicesQuery(orgId))} height={80}>
        {({ pages }) => (
          <Owed orgId={orgId} invoices={pages.flatMap(({ data }) => data).filter(({ state }) => state === 'open')} />
        )}
      </Asked>
    </section>
  );
}

function Owed({ orgId, invoices }: { readonly orgId: string; readonly invoices: readonly Invoice[] }) {
  const t = useWords();
  if (invoices.length === 0) return <p className="quiet">{t('customer.nothingOwed')}</p>;
  return (
    <WideTable label={t('customer.invoices')} minWidth={620}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('customer.what')}</Table.Th>
          <Table.Th className="number">{t('customer.amount')}</Table.Th>
          <Table.Th>{t('customer.due')}</Table.Th>
          <Table.Th>
            <span className="only-heard">{t('keys.actions')}</span>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {invoices.map((invoice) => (
          <Line key={invoice.id} orgId={orgId} invoice={invoice} />
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

function Line({ orgId, invoice }: { readonly orgId: string; readonly invoice: Invoice }) {
  const t = useWords();
  const may = useMay();
  return (
    <Table.Tr>
      <Table.Td>
        {t(`customer.owed.${invoice.kind}`)}
        {may('dunning.read') ? <WaitsForUs orgId={orgId} invoice={invoice} /> : null}
      </Table.Td>
      <Table.Td className="number">
        <Money nano={nanoOfCents(invoice.amountCents)} />
      </Table.Td>
      <Table.Td>
        <Moment at={invoice.dueAt} />
      </Table.Td>
      <Table.Td>
        <div className="acts">
          {may('pay_link.send') && invoice.payUrl !== null ? <SendPayLink orgId={orgId} invoice={invoice} /> : null}
          {may('bank_transfer.record') && invoice.kind === 'usage' ? (
            <RecordTransfer orgId={orgId} invoice={invoice} />
          ) : null}
          {may('dunning.decide') ? <DunningActs orgId={orgId} invoice={invoice} /> : null}
        </div>
      </Table.Td>
    </Table.Tr>
  );
}
