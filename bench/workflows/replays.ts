// How many finished runs of renewals a second are replayed cold, as after the restart of a worker: one after another, decoding included.
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { PayloadCodec } from '../../services/vault/payload-codec.ts';
import { parseKeyring } from '../../services/vault/vault.ts';
import type { BillingProduct } from '../../test/chaos/billing/billing-product.ts';
import { dataConverterWith } from '../../workers/temporal.ts';
import type { Renewal } from './renewals.ts';

export async function replaysPerSecond(
  { environment }: BillingProduct,
  renewals: readonly Renewal[],
  forMs: number,
): Promise<number> {
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  const { TOLLGATE_WORKFLOW_BUNDLE: codePath = '', TOLLGATE_PAYLOAD_KEYS: keyring = '{}' } = environment;
  const dataConverter = dataConverterWith(new PayloadCodec(parseKeyring('Payload', keyring)));
  // The first one brings up what replays them.
  let beganAtMs = Number.POSITIVE_INFINITY;
  async function* histories() {
    for (let at = 0; !(performance.now() - beganAtMs > forMs); at += 1) {
      const renewal = renewals[at % renewals.length];
      if (renewal === undefined) return;
      yield { workflowId: `replay-${at}`, history: renewal.runs[0] };
    }
  }
  let replayed = 0;
  for await (const { error } of Worker.runReplayHistories(
    { workflowBundle: { codePath }, dataConverter },
    histories(),
  )) {
    if (error !== undefined) throw error;
    if (beganAtMs === Number.POSITIVE_INFINITY) beganAtMs = performance.now();
    else replayed += 1;
  }
  return (replayed * 1_000) / (performance.now() - beganAtMs);
}
