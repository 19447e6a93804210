// How each part of a billing product is asked whether it is there.
import { connect } from 'node:net';
import type { BillingProduct } from './billing-product.ts';
import type { Asked, Victim } from './watch.ts';

const PATIENCE_MS = 2_000;

export function watchedParts(product: BillingProduct): Asked[] {
  const { workers, api, stripe, inbox, temporal, database, adminToken } = product;
  const over = (of: Victim, name: string, url: string, headers = {}): Asked => ({
    of,
    name,
    ask: () => answered(url, headers),
  });
  return [
    ...workers.map(({ url, process }) => over('worker', process.name, `${url}/livez`)),
    over('gateway', 'gateway', `${api}/livez`),
    // Through the gateway: what it says without its database is what clients feel.
    over('postgres', 'postgres', `${api}/api/v1/plans`, { authorization: `Bearer ${adminToken}` }),
    { of: 'postgres', name: 'postgres', ask: () => reached(new URL(database.url)) },
    over('stripe', 'stripe', `${stripe.url}/livez`),
    over('inbox', 'inbox', `${inbox.url}/livez`),
    { of: 'temporal', name: 'temporal', ask: () => reached(new URL(`tcp://${temporal.url}`)) },
  ];
}

async function answered(url: string, headers: Record<string, string>): Promise<void> {
  const answer = await fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
  await answer.arrayBuffer();
  if (answer.status >= 500) throw new Error(`${url} answered ${answer.status}`);
}

function reached({ hostname, port }: URL): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('too slow')));
    socket.once('connect', () => socket.end(resolve));
    socket.once('error', reject);
  });
}
