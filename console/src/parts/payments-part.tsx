// What was paid, for what, and what of it went back. What was asked for and not paid leaves no trace here.
import { Anchor, Badge, Table } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type Payment, paymentsQuery } from '../api/organization-questions.ts';
import { spoken, useWords } from '../messages/language.ts';
import { nanoOfCents } from '../money.ts';
import { useDay } from './moment.tsx';
import { Money } from './money.tsx';
import { PagedPart } from './paged-part.tsx';
import { WideTable } from './wide-table.tsx';

export function PaymentsPart({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  const question = useInfiniteQuery(paymentsQuery(orgId));
  return (
    <PagedPart
      id="payments"
      title={t('payments.title')}
      question={question}
      height={120}
      none={{ title: t('payments.none'), more: t('payments.noneMore') }}
      isShown={({ state }) => state === 'paid'}
    >
      {(paid) => <PaymentTable payments={paid} />}
    </PagedPart>
  );
}

function PaymentTable({ payments }: { readonly payments: readonly Payment[] }) {
  const t = useWords();
  const day = useDay();
  return (
    <WideTable label={t('payments.title')} minWidth={620}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('billing.when')}</Table.Th>
          <Table.Th>{t('billing.what')}</Table.Th>
          <Table.Th className="number">{t('billing.amount')}</Table.Th>
          <Table.Th className="number">{t('billing.tax')}</Table.Th>
          <Table.Th>{t('payments.brought')}</Table.Th>
          <Table.Th>{t('payments.receipt')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {payments.map((payment) => (
          <Table.Tr key={payment.id}>
            <Table.Td className="moment-cell">{day(payment.paidAt ?? payment.createdAt)}</Table.Td>
            <Table.Td>{t(`payments.for.${payment.purpose}`)}</Table.Td>
            <Table.Td className="number">
              <Money nano={nanoOfCents(payment.amountCents)} />
            </Table.Td>
            <Table.Td className="number">
              <Money nano={nanoOfCents(payment.taxCents)} />
            </Table.Td>
            <Table.Td>
              <Brought payment={payment} />
            </Table.Td>
            <Table.Td>
              <Receipt payment={payment} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

/** A page of its own, to be printed or saved. */
function Receipt({ payment: { id, paidAt, createdAt } }: { readonly payment: Payment }) {
  const t = useWords();
  const day = useDay();
  return (
    <Anchor
      href={`/api/v1/payments/${id}/receipt?language=${spoken()}`}
      target="_blank"
      inherit
      aria-label={t('payments.receiptOf', { day: day(paidAt ?? createdAt) })}
    >
      {t('payments.open')}
    </Anchor>
  );
}

function Brought({ payment: { creditNano, bonusNano, refundedCents } }: { readonly payment: Payment }) {
  const t = useWords();
  const credit = BigInt(creditNano) + BigInt(bonusNano);
  return (
    <>
      {credit === 0n ? null : (
        <>
          <Money nano={credit.toString()} /> {t('payments.credit')}{' '}
        </>
      )}
      {refundedCents === 0 ? null : (
        <Badge variant="light" color="gray">
          {t('payments.refunded')} <Money nano={nanoOfCents(refundedCents)} />
        </Badge>
      )}
    </>
  );
}
