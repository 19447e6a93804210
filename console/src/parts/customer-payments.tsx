// What a customer paid lately, and what of it can go back.
import { Badge, Table } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { api } from '../api/client.ts';
import { type Payment, paymentsQuery } from '../api/organization-questions.ts';
import { customerKey, useMay } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { nanoOfCents } from '../money.ts';
import { Act } from './act.tsx';
import { Asked } from './asked.tsx';
import { Moment } from './moment.tsx';
import { Money } from './money.tsx';
import { WideTable } from './wide-table.tsx';

const WINDOW_MS = 14 * 86_400_000;

interface OfPayment {
  readonly orgId: string;
  readonly payment: Payment;
}

export function CustomerPayments({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  return (
    <section className="part" aria-labelledby="payments">
      <h2 id="payments">{t('customer.payments')}</h2>
      <Asked question={useInfiniteQuery(paymentsQuery(orgId))} height={80}>
        {({ pages: [latest] }) =>
          latest === undefined || latest.data.length === 0 ? (
            <p className="quiet">{t('customer.noPayments')}</p>
          ) : (
            <WideTable label={t('customer.payments')} minWidth={620}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('customer.what')}</Table.Th>
                  <Table.Th className="number">{t('customer.amount')}</Table.Th>
                  <Table.Th>{t('customer.asked')}</Table.Th>
                  <Table.Th>{t('customer.state')}</Table.Th>
                  <Table.Th>
                    <span className="only-heard">{t('keys.actions')}</span>
                  </Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {latest.data.map((payment) => (
                  <Line key={payment.id} orgId={orgId} payment={payment} />
                ))}
              </Table.Tbody>
            </WideTable>
          )
        }
      </Asked>
    </section>
  );
}

function Line({ orgId, payment }: OfPayment) {
  const t = useWords();
  const may = useMay();
  const { purpose, amountCents, createdAt, state, refundedCents } = payment;
  const canGoBack = purpose === 'pack' && state === 'paid' && refundedCents === 0;
  return (
    <Table.Tr>
      <Table.Td>{t(`timeline.payment.${purpose}`)}</Table.Td>
      <Table.Td className="number">
        <Money nano={nanoOfCents(amountCents)} />
      </Table.Td>
      <Table.Td>
        <Moment at={createdAt} />
      </Table.Td>
      <Table.Td>
        <Badge variant="light" color={state === 'paid' ? 'teal' : 'gray'}>
          {t(`timeline.state.${state}`)}
        </Badge>
        {refundedCents === 0 ? null : (
          <span className="quiet">
            {' '}
            {t('customer.refunded')} <Money nano={nanoOfCents(refundedCents)} />
          </span>
        )}
      </Table.Td>
      <Table.Td className="row-actions">
        {canGoBack && may('payment.refund') ? <Refund orgId={orgId} payment={payment} /> : null}
      </Table.Td>
    </Table.Tr>
  );
}

function Refund({ orgId, payment: { id, paidAt } }: OfPayment) {
  const t = useWords();
  const ignoresWindow = Date.now() - Date.parse(paidAt ?? '') > WINDOW_MS;
  return (
    <Act
      about={customerKey(orgId)}
      verb={t('act.refund.verb')}
      title={t('act.refund.title')}
      effect={ignoresWindow ? t('act.refund.late') : t('act.refund.effect')}
      isGrave
      initial={{}}
      send={({ reason }, attemptId) =>
        api.POST('/api/v1/payments/{id}/refunds', {
          params: { path: { id }, header: { 'Idempotency-Key': attemptId } },
          body: { reason, ignoresWindow },
        })
      }
    />
  );
}
