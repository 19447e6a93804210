// What can be done about an invoice that is not paid: send the link, ask the card once more, give time, stop the customer, ask no more, record what
// came by bank.
import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client.ts';
import type { Invoice } from '../api/organization-questions.ts';
import { caseQuery, customerKey } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { centsOf } from '../money.ts';
import { Act } from './act.tsx';

interface OfInvoice {
  readonly orgId: string;
  readonly invoice: Invoice;
}

export function SendPayLink({ orgId, invoice: { id } }: OfInvoice) {
  const t = useWords();
  return (
    <Act
      about={customerKey(orgId)}
      verb={t('act.payLink.verb')}
      title={t('act.payLink.title')}
      effect={t('act.payLink.effect')}
      initial={{}}
      send={({ reason }, attemptId) =>
        api.POST('/api/v1/invoices/{id}/pay-links', {
          params: { path: { id }, header: { 'Idempotency-Key': attemptId } },
          body: { reason },
        })
      }
    />
  );
}

export function RecordTransfer({ orgId, invoice: { id } }: OfInvoice) {
  const t = useWords();
  return (
    <Act
      about={customerKey(orgId)}
      verb={t('act.transfer.verb')}
      title={t('act.transfer.title')}
      effect={t('act.transfer.effect')}
      two={t('act.two')}
      initial={{ amountCents: '', reference: '', receivedOn: new Date().toISOString().slice(0, 10) }}
      check={({ amountCents, reference, receivedOn }) => ({
        amountCents: wholeCents(amountCents) === null ? t('fields.amount') : null,
        reference: reference.trim() === '' ? t('fields.empty') : null,
        receivedOn: receivedOn === '' ? t('fields.empty') : null,
      })}
      fields={(input) => (
        <>
          <TextInput
            {...input('amountCents')}
            label={t('act.dollars')}
            inputMode="decimal"
            autoComplete="off"
            data-autofocus
          />
          <TextInput {...input('reference')} label={t('act.transfer.reference')} maxLength={140} autoComplete="off" />
          <TextInput {...input('receivedOn')} label={t('act.transfer.receivedOn')} type="date" />
        </>
      )}
      send={({ amountCents, reference, receivedOn, reason }, attemptId) =>
        api.POST('/api/v1/invoices/{id}/bank-transfers', {
          params: { path: { id }, header: { 'Idempotency-Key': attemptId } },
          body: { amountCents: wholeCents(amountCents) ?? 0, reference: reference.trim(), receivedOn, reason },
        })
      }
    />
  );
}

/** Null: it is no amount, nothing, or not in whole cents. */
function wholeCents(dollars: string): number | null {
  return centsOf(dollars) || null;
}

interface DunningParams {
  readonly path: { readonly id: string };
  readonly header: { readonly 'Idempotency-Key': string; readonly 'If-Match': string };
}

/** Of a case that is open; an invoice that is not overdue is none. No card is asked for what is paid afterwards. */
export function DunningActs({ orgId, invoice: { id } }: OfInvoice) {
  const t = useWords();
  const { data } = useQuery(caseQuery(orgId, id));
  if (data === undefined || data.closed !== null) return null;
  const paramsFor = (attemptId: string): DunningParams => ({
    path: { id },
    header: { 'Idempotency-Key': attemptId, 'If-Match': `"${data.version}"` },
  });
  return (
    <>
      <RetryOrStop orgId={orgId} policy={data.policy} paramsFor={paramsFor} />
      <Act
        about={customerKey(orgId)}
        verb={t('act.extend.verb')}
        title={t('act.extend.title')}
        effect={t('act.extend.effect')}
        initial={{ until: '' }}
        check={({ until }) => ({ until: Date.parse(until) > Date.now() ? null : t('fields.expiresOn') })}
        fields={(input) => <TextInput {...input('until')} label={t('act.extend.until')} type="date" data-autofocus />}
        send={({ until, reason }, attemptId) =>
          api.POST('/api/v1/invoices/{id}/dunning/extend', {
            params: paramsFor(attemptId),
            body: { until: new Date(until).toISOString(), reason },
          })
        }
      />
      <Act
        about={customerKey(orgId)}
        verb={t('act.waive.verb')}
        title={t('act.waive.title')}
        effect={t('act.waive.effect')}
        isGrave
        initial={{}}
        send={({ reason }, attemptId) =>
          api.POST('/api/v1/invoices/{id}/dunning/waive', { params: paramsFor(attemptId), body: { reason } })
        }
      />
    </>
  );
}

interface ByPolicy {
  readonly orgId: string;
  readonly policy: string;
  paramsFor(attemptId: string): DunningParams;
}

/** A card is asked again; who pays by invoice is stopped, or given time. */
function RetryOrStop({ orgId, policy, paramsFor }: ByPolicy) {
  const t = useWords();
  return policy === 'postpaid' ? (
    <Act
      about={customerKey(orgId)}
      verb={t('act.stop.verb')}
      title={t('act.stop.title')}
      effect={t('act.stop.effect')}
      two={t('act.two')}
      isGrave
      initial={{}}
      send={({ reason }, attemptId) =>
        api.POST('/api/v1/invoices/{id}/dunning/decide-stop', { params: paramsFor(attemptId), body: { reason } })
      }
    />
  ) : (
    <Act
      about={customerKey(orgId)}
      verb={t('act.retry.verb')}
      title={t('act.retry.title')}
      effect={t('act.retry.effect')}
      initial={{}}
      send={({ reason }, attemptId) =>
        api.POST('/api/v1/invoices/{id}/dunning/retry-now', { params: paramsFor(attemptId), body: { reason } })
      }
    />
  );
}

/** Of such a case: that somebody of us is waited for, and what he is asked. */
export function WaitsForUs({ orgId, invoice: { id } }: OfInvoice) {
  const t = useWords();
  const { data } = useQuery(caseQuery(orgId, id));
  if (data === undefined || data.attention === null) return null;
  const { code, fault } = data.attention;
  return (
    <>
      <p className="queue-attention">{t(`customer.waitsFor.${code}`)}</p>
      {fault === null ? null : <p className="queue-attention">{t('inbox.stripeSays', { detail: fault })}</p>}
    </>
  );
}
