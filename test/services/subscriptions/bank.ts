// What a bank says to a charge, in words of a test.
import type { ChargeOutcome } from '../../../domain/charges.ts';
import { classifyDecline } from '../../../domain/declines.ts';

export type Bank = (ask: {
  readonly invoiceId: string;
  readonly attempt: number;
  readonly nowMs: number;
}) => ChargeOutcome;

export const PAID: ChargeOutcome = { kind: 'paid' };

export function refusal(declineCode: string): ChargeOutcome {
  return { kind: 'declined', decline: classifyDecline({ declineCode, adviceCode: null, networkAdviceCode: null }) };
}
