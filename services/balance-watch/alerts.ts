// The warnings of one organization: what was crossed since somebody looked last is told once (domain/balance-alerts.ts).
import type { PoolClient } from 'pg';
import { type AlertPercent, onBalance, quietRange } from '../../domain/balance-alerts.ts';
import { CURRENCY, floorToCents } from '../../domain/cents.ts';
import { larger, type Nano, nano, ZERO } from '../../domain/nano.ts';
import { queueMail } from '../notifications/outbox.ts';
import { topUpRow } from '../top-ups/top-up-rows.ts';

interface AlertRow {
  readonly armed: readonly AlertPercent[];
  readonly epoch: number;
  readonly basis: string;
}

/** The caller holds the organization. */
export async function warnOfBalance(tx: PoolClient, orgId: string, balance: Nano): Promise<void> {
  const { rows } = await tx.query<AlertRow>(
    'select armed, epoch, basis_nano as basis from balance_alerts where org_id = $1',
    [orgId],
  );
  const [row] = rows;
  if (row === undefined) return;
  const basis = nano(row.basis);
  const { alerts, fired } = onBalance(row, balance, basis);
  const { belowNano, aboveNano } = quietRange(alerts, basis);
  await tx.query(
    `update balance_alerts set armed = $2, epoch = $3, is_basis_new = false, below_nano = $4, above_nano = $5 where org_id = $1`,
    [orgId, alerts.armed, alerts.epoch, belowNano, aboveNano],
  );
  if (fired === null) return;
  const facts = {
    percent: fired,
    balanceCents: floorToCents(larger(balance, ZERO)),
    basisCents: floorToCents(basis),
    currency: CURRENCY,
    isTopUpOn: (await topUpRow(tx, orgId)).state.settings !== null,
  };
  await queueMail(tx, { orgId, kind: 'balance_low', key: `balance_low:${orgId}:${fired}:${alerts.epoch}`, facts });
}
