// What was invoiced, and what became of it. Whatever is open can be paid.
import { Badge, Button, Table } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type Invoice, invoicesQuery } from '../api/organization-questions.ts';
import { useWords } from '../messages/language.ts';
import { nanoOfCents } from '../money.ts';
import { useDay } from './moment.tsx';
import { Money } from './money.tsx';
import { PagedPart } from './paged-part.tsx';
import { WideTable } from './wide-table.tsx';

export function InvoicesPart({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  const question = useInfiniteQuery(invoicesQuery(orgId));
  const none = { title: t('invoices.none'), more: t('invoices.noneMore') };
  return (
    <PagedPart id="invoices" title={t('invoices.title')} question={question} height={120} none={none}>
      {(invoices) => <InvoiceTable invoices={invoices} />}
    </PagedPart>
  );
}

function InvoiceTable({ invoices }: { readonly invoices: readonly Invoice[] }) {
  const t = useWords();
  const day = useDay();
  return (
    <WideTable label={t('invoices.title')} minWidth={620}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('billing.when')}</Table.Th>
          <Table.Th>{t('billing.what')}</Table.Th>
          <Table.Th className="number">{t('billing.amount')}</Table.Th>
          <Table.Th className="number">{t('billing.tax')}</Table.Th>
          <Table.Th>{t('billing.state')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {invoices.map((invoice) => (
          <Table.Tr key={invoice.id}>
            <Table.Td className="moment-cell">{day(invoice.issuedAt)}</Table.Td>
            <Table.Td>
              <Bought invoice={invoice} />
            </Table.Td>
            <Table.Td className="number">
              <Money nano={nanoOfCents(invoice.amountCents)} />
            </Table.Td>
            <Table.Td className="number">
              {invoice.awaitsTax ? t('billing.taxAwaited') : <Money nano={nanoOfCents(invoice.taxCents)} />}
            </Table.Td>
            <Table.Td>
              <State invoice={invoice} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

function Bought({ invoice: { kind, plan, months } }: { readonly invoice: Invoice }) {
  const t = useWords();
  if (kind === 'usage') return t('invoices.usage');
  const by = months === 12 ? 12 : 1;
  return `${t(`plan.name.${plan === 'team' ? 'team' : 'pro'}`)}, ${t(`plan.by.${by}`)}`;
}

function State({ invoice: { state, payUrl } }: { readonly invoice: Invoice }) {
  const t = useWords();
  if (payUrl !== null) {
    return (
      <Button component="a" href={payUrl} size="xs">
        {t('overdue.pay')}
      </Button>
    );
  }
  return (
    <Badge variant="light" color={state === 'paid' ? 'teal' : 'gray'}>
      {t(`invoices.is.${state}`)}
    </Badge>
  );
}
