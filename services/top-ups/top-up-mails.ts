// What is told of automatic top-ups: each that was paid, each that was declined, and that there will be none any more.
import type { PoolClient } from 'pg';
import { CURRENCY, floorToCents } from '../../domain/cents.ts';
import { larger, ZERO } from '../../domain/nano.ts';
import type { TopUp, TopUpCommand, TopUpFact, TopUpWrite } from '../../domain/top-up.ts';
import { balanceOf } from '../grants/balance.ts';
import { queueMail } from '../notifications/outbox.ts';
import { priceOfTopUp } from '../payments/top-up-payments.ts';

interface Turned {
  readonly orgId: string;
  readonly state: TopUp;
  readonly event: TopUpFact | TopUpCommand;
  readonly nowMs: number;
}

export async function queueTopUpMails(
  tx: PoolClient,
  { orgId, state, event, nowMs }: Turned,
  write: TopUpWrite,
): Promise<void> {
  switch (write.kind) {
    case 'topped_up': {
      const { number } = write;
      const amountCents = await priceOfTopUp(tx, orgId, number);
      const { balanceNano } = await balanceOf(tx, orgId);
      const balanceCents = floorToCents(larger(balanceNano, ZERO));
      const facts = { amountCents, currency: CURRENCY, paidAt: new Date(nowMs).toISOString(), balanceCents };
      return queueMail(tx, { orgId, kind: 'top_up_done', key: `top_up_done:${orgId}:${number}`, facts });
    }
    case 'declined': {
      const { notBeforeMs, settings } = state;
      const facts = {
        amountCents: await priceOfTopUp(tx, orgId, write.number),
        currency: CURRENCY,
        suspicious: event.kind === 'charged' && event.outcome.kind === 'declined' && event.outcome.decline.suspicious,
        notBefore: settings === null || notBeforeMs === null ? null : new Date(notBeforeMs).toISOString(),
      };
      return queueMail(tx, { orgId, kind: 'top_up_declined', key: `top_up_declined:${orgId}:${write.number}`, facts });
    }
    case 'switched_off': {
      const why = event.kind === 'switch_off' ? 'asked' : 'declines';
      return queueMail(tx, { orgId, kind: 'top_up_off', key: `top_up_off:${orgId}:${state.revision}`, facts: { why } });
    }
  }
}
