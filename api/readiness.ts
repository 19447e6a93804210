// Whether a gateway may get requests: what /readyz says.
import type { ProxyParts } from './proxy/proxy-parts.ts';
import type { Routing } from './routing.ts';

export function readiness(
  { accepting, incarnation }: Pick<ProxyParts, 'accepting' | 'incarnation'>,
  { isLoaded }: Routing,
): { readonly ok: boolean; readonly reasons: readonly string[] } {
  const reasons: string[] = [];
  if (!accepting()) reasons.push('draining, or the disk of the journal is nearly full');
  if (!incarnation.mayAdmit()) reasons.push('no confirmed renewal in PostgreSQL for 60 s');
  if (!isLoaded) reasons.push('the routing table is not loaded');
  return { ok: reasons.length === 0, reasons };
}
