// What an organization may do while it owes, computed anew from its open cases (domain/enforcement.ts). Whoever changes a fact asks for it
// in the same transaction; nobody ever sets a stage.
import type { PoolClient } from 'pg';
import { enforcementOf } from '../../domain/enforcement.ts';
import { applyEnforcement } from '../organizations/enforcement.ts';
import type { PayLinks } from '../payments/pay-links.ts';
import { incidents, openDunningsOf } from './dunning-rows.ts';

/** The caller holds the organization. */
export async function reevaluateEnforcement(
  tx: PoolClient,
  { orgId, links, nowMs }: { readonly orgId: string; readonly links: PayLinks; readonly nowMs: number },
): Promise<void> {
  const open = await openDunningsOf(tx, orgId);
  const { stage, reasons } = enforcementOf(
    {
      unpaidInvoices: open.map(({ state }) => state.invoice),
      incidents: await incidents(tx),
      isExempt: false,
    },
    nowMs,
  );
  const restricting = reasons.find((reason) => reason.stage === stage);
  const payLink = restricting === undefined ? null : links.urlOf(restricting.invoiceId);
  await applyEnforcement(tx, orgId, { stage, payLink });
}
