// Why a request got no credit, in words that say how to go on. Money merely held is 429; money spent is 402 (design.md 3.1).
import type { Pool } from 'pg';
import { payAdvice } from '../../domain/enforcement.ts';
import { TollgateError } from '../../domain/errors.ts';
import { formatUsd, type Nano } from '../../domain/nano.ts';
import type { Reservation } from './lease.ts';
import { capById, type Taken } from './lease-store.ts';

export async function refusalError(db: Pool, taken: Taken, amount: Nano): Promise<TollgateError> {
  const needs = `This request reserves ${formatUsd(amount)} USD`;
  switch (taken.outcome) {
    case 'insufficient':
      return new TollgateError('insufficient_credit', {
        message: `${needs} and the balance is ${formatUsd(taken.left)} USD. ${topUpAdvice(taken)} Nothing was charged.`,
      });
    case 'cap_reached':
      return new TollgateError('cap_reached', {
        message: `${needs}, but ${await capSentence(db, taken)} Nothing was charged.`,
      });
    case 'provisioning':
      return beingProvisioned();
    case 'blocked':
      return taken.overdueStage === 'stopped' ? stoppedForDebt(taken.payLink) : stoppedByStaff();
    default:
      return new TollgateError('credit_in_use', {
        message: `${needs}. The balance covers it, but requests in flight hold it at this moment: try again in a second. Nothing was charged.`,
        retryAfterMs: 1_000,
      });
  }
}

export function stoppedForDebt(payLink: string | null): TollgateError {
  return new TollgateError('organization_stopped', {
    message: `This organization is stopped because an invoice is overdue. ${payAdvice(payLink)}; service returns at once. Nothing was charged.`,
  });
}

/** It ends by itself: a client's own retry may find it over. */
export function beingProvisioned(): TollgateError {
  return new TollgateError('organization_provisioning', {
    message:
      'This organization is being converted to Enterprise, and its API keys work again in a moment. Nothing was charged; try again in a few seconds.',
    retryAfterMs: 5_000,
  });
}

function stoppedByStaff(): TollgateError {
  return new TollgateError('organization_stopped', {
    message:
      'This organization or API key is stopped. Ask the administrator of your organization to lift it. Nothing was charged.',
  });
}

function topUpAdvice({ overdueStage, payLink }: Taken): string {
  if (overdueStage === 'none') return 'Top up, or lower max_tokens.';
  return `Included credit is locked until the overdue invoice of this organization is paid. ${payAdvice(payLink)}, or top up.`;
}

export function silentLedger(cause: unknown): TollgateError {
  return new TollgateError('service_unavailable', {
    message: 'The ledger did not answer, so no credit could be reserved. Nothing was charged; try again in a second.',
    retryAfterMs: 1_000,
    cause,
  });
}

/** Nobody waits for what he holds himself: a stream that no other request's credit could help is out of money. */
export function asSeenBy(own: Reservation | null, taken: Taken, floor: Nano): Taken {
  if (own === null || floor <= taken.left + taken.held - own.amount) return taken;
  if (taken.outcome === 'in_use') return { ...taken, outcome: 'insufficient' };
  return taken.outcome === 'cap_in_use' ? { ...taken, outcome: 'cap_reached' } : taken;
}

async function capSentence(db: Pool, taken: Taken): Promise<string> {
  const cap = taken.shortCapId === null ? null : await capById(db, taken.shortCapId);
  const which =
    cap === null
      ? 'a spending cap'
      : `the ${cap.period} cap of the ${cap.scope.replace('_', ' ')} (${formatUsd(cap.amount)} USD)`;
  const resets =
    taken.resetsAtMs === null
      ? 'it does not reset by itself'
      : `it resets at ${new Date(taken.resetsAtMs).toISOString()}`;
  return `${which} leaves ${formatUsd(taken.left)} USD; ${resets}. Raise the cap, or lower max_tokens.`;
}
