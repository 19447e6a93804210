// For `npm run restore -- --reconcile`: a restored database, Stripe and Temporal as a worker of the installation knows them, and the report of what
// was found.
import { reasonOf } from '../../services/backups/rejection.ts';
import { StripeApi } from '../../services/payments/stripe-api.ts';
import { StripeInbox } from '../../services/payments/stripe-inbox.ts';
import { createLog } from '../../services/platform/log.ts';
import { createPool, inTransaction } from '../../services/platform/postgres.ts';
import { readWorkerConfig, type WorkerConfig } from '../../services/platform/worker-config.ts';
import { raiseHoldOnce } from '../../services/restores/billing-holds.ts';
import { reconcileRestored } from '../../services/restores/reconcile.ts';
import { cardChanged } from '../../services/subscriptions/learn.ts';
import { PayloadCodec } from '../../services/vault/payload-codec.ts';
import { terminateOlder } from '../../workers/old-workflows.ts';
import { openTemporal } from '../../workers/temporal.ts';
import { notedEnvironment } from './noted-environment.ts';

const STATEMENT_TIMEOUT_MS = 600_000;

/** `recoveredTo`: null, where the restore itself has raised the hold. */
export async function reconcileInto(
  into: string,
  recoveredTo: string | null,
  say: (text: string) => void,
): Promise<string> {
  const environment = { ...notedEnvironment('worker'), ...process.env, DATABASE_URL_WORKER: into, TZ: 'UTC' };
  const config = readWorkerConfig(environment);
  const pool = { name: 'tollgate restore', maxConnections: 4, statementTimeoutMs: STATEMENT_TIMEOUT_MS };
  const db = createPool(into, pool);
  try {
    if (recoveredTo !== null) {
      const at = momentIn(recoveredTo);
      await inTransaction(db, (tx) => raiseHoldOnce(tx, `recovered to ${at.toISOString()}`, at));
    }
    const terminateWorkflows = (before: Date) => endWorkflows(config, before);
    const { epoch, undecided } = await reconcileRestored({
      ...{ db, payments: deskOf(config, db), terminateWorkflows, say },
    });
    for (const line of undecided) say(line);
    if (undecided.length > 0)
      throw new Error(`${undecided.length} undecided, the hold of epoch ${epoch} stands: see to them, and repeat this`);
    return epoch === null ? 'cleared: no hold stands' : `cleared: the books have all of it, epoch ${epoch}`;
  } finally {
    await db.end();
  }
}

function momentIn(text: string): Date {
  const at = new Date(text);
  if (Number.isNaN(at.getTime()) || !/(Z|[+-]\d\d:?\d\d)$/.test(text))
    throw new Error(`--recovered-to is a moment with its time zone, as in 2026-11-30T10:00:00Z: ${text} is none`);
  return at;
}

/** Asks Stripe also while the hold stands: what it changes there ends what nobody here knows. */
function deskOf({ stripe: settings }: WorkerConfig, db: ReturnType<typeof createPool>) {
  if (settings === null) return null;
  const stripe = new StripeApi(settings, async () => {});
  const log = createLog({ name: 'restore', level: 'warn' });
  return {
    stripe,
    inbox: new StripeInbox(db, stripe, log, (tx, orgId, card) => cardChanged(tx, orgId, card, 'restore')),
  };
}

async function endWorkflows(config: WorkerConfig, before: Date): Promise<number> {
  const place = {
    address: config.temporalAddress,
    namespace: config.temporalNamespace,
    access: config.temporalAccess,
  };
  const link = await openTemporal(place, new PayloadCodec(config.payloadKeys)).catch((error: unknown) => {
    throw new Error(`Temporal at ${place.address} cannot be reached: ${reasonOf(error)}`);
  });
  try {
    return await terminateOlder(link.client, before);
  } finally {
    await link.connection.close();
  }
}
