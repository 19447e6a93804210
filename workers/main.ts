// Process 2: does what takes time, as Temporal tells it when. It owns no truth: rows in PostgreSQL say how far everything is, so
// any number of these may run, and any of them may be killed.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Runtime } from '@temporalio/worker';
import { createCardAskActivities } from '../activities/card-asks.ts';
import { createReconciliationActivities } from '../activities/reconciliation.ts';
import { createRepairActivities } from '../activities/repair.ts';
import { createTopUpActivities } from '../activities/top-up.ts';
import { crashOnDefects } from '../services/platform/crash-on-defects.ts';
import { createLog } from '../services/platform/log.ts';
import { OutboxBell } from '../services/platform/outbox-bell.ts';
import { createPool, within } from '../services/platform/postgres.ts';
import { readWorkerConfig } from '../services/platform/worker-config.ts';
import { Pokes, pokesStanding } from '../services/processes/pokes.ts';
import { pokeStranded } from '../services/processes/stranded.ts';
import { Reconciliations, reconciliationStanding } from '../services/reconciliation/reconciliations.ts';
import { TopUps } from '../services/top-ups/top-ups.ts';
import { PayloadCodec } from '../services/vault/payload-codec.ts';
import { watchBalances } from './balance-loop.ts';
import { CodecAccess } from './codec-access.ts';
import { createWorkerApp } from './http.ts';
import { workerMetrics } from './metrics.ts';
import { ProcessRelay } from './process-relay.ts';
import { sdkLogger } from './sdk-log.ts';
import { TemporalWork } from './temporal-work.ts';
import { bundleWorkflows } from './workflow-bundle.ts';

/** Above what a worker takes to leave: whoever started it waits longer (docs/operations.md). */
const LEAVE_WITHIN_MS = 20_000;
const SCRAPE_PATIENCE_MS = 1_000;

const config = readWorkerConfig(process.env);
const log = createLog({ name: 'worker', level: config.logLevel });
crashOnDefects(log);
const logger = sdkLogger(log);
Runtime.install({
  logger,
  shutdownSignals: [], // we leave ourselves
  telemetryOptions: {
    logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } },
    metrics: {
      prometheus: {
        bindAddress: `${config.host}:${config.sdkMetricsPort}`,
        countersTotalSuffix: true,
        unitSuffix: true,
        useSecondsForDurations: true,
      },
    },
  },
});
const db = createPool(config.databaseUrl, { name: 'tollgate worker', maxConnections: 5, statementTimeoutMs: 8_000 });
/** The proof of a large ledger is a few long statements. */
const patientDb = createPool(config.databaseUrl, {
  name: 'tollgate worker, reconciliation',
  maxConnections: 2,
  statementTimeoutMs: 600_000,
});
const codec = new PayloadCodec(config.payloadKeys);
const runbook = config.runbookUrl === null ? 'docs/operations.md' : `[docs/operations.md](${config.runbookUrl})`;
const work = new TemporalWork(
  {
    place: { address: config.temporalAddress, namespace: config.temporalNamespace },
    codec,
    workflowBundle:
      config.workflowBundle === null ? await bundleWorkflows(logger) : { codePath: config.workflowBundle },
    activities: {
      ...createReconciliationActivities(
        new Reconciliations({ db, patientDb }),
        `${runbook}, "The nightly reconciliation"`,
      ),
      ...createRepairActivities(() => pokeStranded(db)),
      ...createTopUpActivities(new TopUps(db), `${runbook}, "Automatic top-up"`),
    },
    // Stand-in until the package "core" is merged.
    billingActivities: createCardAskActivities(() => Promise.reject(new Error('no card can be asked yet'))),
    identity: `${hostname()}:${process.pid}`,
  },
  log,
);
const leaving = new AbortController();
const relay = new ProcessRelay(new Pokes(db), () => work.client, log);
const bell = new OutboxBell(config.databaseUrl, (outbox) => {
  if (outbox === 'poke') relay.ring();
});
const registry = workerMetrics({
  get isTemporalUp() {
    return work.isTemporalUp;
  },
  get isWorking() {
    return work.isWorking;
  },
  reconciliations: () => within(SCRAPE_PATIENCE_MS, reconciliationStanding(db)).catch(() => null),
  pokes: () => within(SCRAPE_PATIENCE_MS, pokesStanding(db)).catch(() => null),
});
const app = createWorkerApp({
  work,
  registry,
  codec,
  access: new CodecAccess(config.adminToken),
  uiOrigin: config.temporalUiOrigin,
  runbook: () => readFileSync(join(import.meta.dirname, '../docs/operations.md'), 'utf8'),
  log,
});
const server = app.listen(config.port, config.host, (error) => {
  if (error) throw error;
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => {
    log.info('worker_leaving');
    leaving.abort();
    relay.leave();
    work.leave();
    setTimeout(() => process.exit(0), LEAVE_WITHIN_MS).unref();
  });
}
await Promise.all([bell.start(), work.run(), relay.run(), watchBalances(db, log, leaving.signal)]);
server.close();
await bell.stop();
await within(LEAVE_WITHIN_MS, Promise.all([db.end(), patientDb.end()])).catch(() => undefined);
log.info('worker_left');
process.exit(0);
