// Process 2: does what takes time, as Temporal tells it when. It owns no truth: rows in PostgreSQL say how far everything is, so
// any number of these may run, and any of them may be killed.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Runtime } from '@temporalio/worker';
import { apiKeysStanding } from '../services/api-keys/rotations.ts';
import { lastAnchor } from '../services/audit/audit-proof.ts';
import { backupStanding } from '../services/backups/backup-list.ts';
import { Backups } from '../services/backups/backups.ts';
import { openBackupPlace } from '../services/backups/open-place.ts';
import { RestoreChecks } from '../services/backups/restore-checks.ts';
import { channelKeysStanding } from '../services/channel-key-rotation/slots.ts';
import { Egress } from '../services/egress/egress.ts';
import { KeyringHolder } from '../services/master-keys/keyring-holder.ts';
import { masterKeyStanding } from '../services/master-keys/master-keys.ts';
import { Deliveries } from '../services/notifications/deliveries.ts';
import { MAILS_AT_ONCE, MailSender } from '../services/notifications/mail-sender.ts';
import { outboxStanding } from '../services/notifications/outbox.ts';
import { crashOnDefects } from '../services/platform/crash-on-defects.ts';
import { newId } from '../services/platform/ids.ts';
import { createLog } from '../services/platform/log.ts';
import { OutboxBell } from '../services/platform/outbox-bell.ts';
import { createPool, within } from '../services/platform/postgres.ts';
import { type MailSettings, readWorkerConfig } from '../services/platform/worker-config.ts';
import { PokeOutbox, pokesStanding } from '../services/processes/poke-outbox.ts';
import { Reconciliations, reconciliationStanding } from '../services/reconciliation/reconciliations.ts';
import { heldForSeconds } from '../services/restores/billing-holds.ts';
import { noticeHandedOver } from '../services/subscriptions/learn.ts';
import { PayloadCodec } from '../services/vault/payload-codec.ts';
import { billingActivities, coreActivities } from './activities.ts';
import { watchBalances } from './balance-loop.ts';
import { CodecAccess } from './codec-access.ts';
import { startDueReconciliations, startRequestedBackups } from './due-work.ts';
import { createWorkerApp } from './http.ts';
import { MailRelay } from './mail-relay.ts';
import { mailSite } from './mail-site.ts';
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
const masterKeys = new KeyringHolder(config, { db, processId: newId(), kind: 'worker', log });
await masterKeys.begin();
const reconciliations = new Reconciliations({ db, patientDb });
const egress = new Egress({ log });
/** One of them is held for as long as a backup is taken or restored. */
const backupsDb = createPool(config.databaseUrl, {
  name: 'tollgate worker, backups',
  maxConnections: 3,
  statementTimeoutMs: 8_000,
});
const backupPlace = config.backups === null ? null : await openBackupPlace(config.backups, masterKeys.vault);
const backups = new Backups(backupsDb, backupPlace);
const drills = new RestoreChecks(backupsDb, backupPlace);
const runbook = config.runbookUrl === null ? 'docs/operations.md' : `[docs/operations.md](${config.runbookUrl})`;
const work = new TemporalWork(
  {
    place: {
      address: config.temporalAddress,
      namespace: config.temporalNamespace,
      access: config.temporalAccess,
    },
    codec,
    workflowBundle:
      config.workflowBundle === null ? await bundleWorkflows(logger) : { codePath: config.workflowBundle },
    activities: coreActivities({ db, vault: masterKeys.vault, egress }, { reconciliations, backups, drills }, runbook),
    billingActivities: billingActivities(db, config.stripe, runbook),
    identity: `${hostname()}:${process.pid}`,
  },
  log,
);
const leaving = new AbortController();
const relay = new ProcessRelay(new PokeOutbox(db), () => work.client, log);
const mails = config.mail === null ? null : openMailRelay(config.mail);
if (mails === null) log.warn('mails_not_sent');
const bell = new OutboxBell(config.databaseUrl, (outbox) => {
  if (outbox === 'mail') mails?.ring();
  if (outbox === 'poke') relay.ring();
  if (outbox === 'reconciliation') void startDueReconciliations(work, reconciliations, log);
  if (outbox === 'backup') void startRequestedBackups(work, log);
});
const registry = workerMetrics({
  get isTemporalUp() {
    return work.isTemporalUp;
  },
  get isWorking() {
    return work.isWorking;
  },
  waitingForAPerson: () => within(SCRAPE_PATIENCE_MS, work.waitingForAPerson()).catch(() => null),
  reconciliations: () => within(SCRAPE_PATIENCE_MS, reconciliationStanding(db)).catch(() => null),
  masterKeys: () => within(SCRAPE_PATIENCE_MS, masterKeyStanding(db)).catch(() => null),
  auditAnchor: () => within(SCRAPE_PATIENCE_MS, lastAnchor(db)).catch(() => null),
  backups: () => within(SCRAPE_PATIENCE_MS, backupStanding(db)).catch(() => null),
  billingHeldSeconds: () => within(SCRAPE_PATIENCE_MS, heldForSeconds(db)).catch(() => null),
  outbox: () => within(SCRAPE_PATIENCE_MS, outboxStanding(db)).catch(() => null),
  pokes: () => within(SCRAPE_PATIENCE_MS, pokesStanding(db)).catch(() => null),
  apiKeys: () => within(SCRAPE_PATIENCE_MS, apiKeysStanding(db)).catch(() => null),
  channelKeys: () => within(SCRAPE_PATIENCE_MS, channelKeysStanding(db)).catch(() => null),
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
    mails?.leave();
    setTimeout(() => process.exit(0), LEAVE_WITHIN_MS).unref();
  });
}
await Promise.all([bell.start(), work.run(), relay.run(), mails?.run(), watchBalances(db, log, leaving.signal)]);
server.close();
await within(LEAVE_WITHIN_MS, masterKeys.end()).catch(() => undefined);
const pools = [db, patientDb, backupsDb].map((pool) => pool.end());
await within(LEAVE_WITHIN_MS, Promise.all([bell.stop(), egress.close(), ...pools])).catch(() => undefined);
log.info('worker_left');
process.exit(0);

function openMailRelay(mail: MailSettings): MailRelay {
  // A connection is held for as long as the mail server takes; one more, for what failed.
  const size = { maxConnections: MAILS_AT_ONCE + 1, statementTimeoutMs: 8_000 };
  const deliveries = new Deliveries({
    db: createPool(config.databaseUrl, { name: 'tollgate worker, mails', ...size }),
    sender: new MailSender(mail),
    from: mail.from,
    staff: mail.staff,
    site: mailSite(
      config.publicUrl,
      config.linkSecret,
      config.runbookUrl ?? `http://${config.host}:${config.port}/runbook`,
    ),
    onHandedOver: (tx, { invoiceId, notice, handedOverAt }) => noticeHandedOver(tx, invoiceId, notice, handedOverAt),
    log,
  });
  return new MailRelay(deliveries, log);
}
