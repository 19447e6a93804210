// What a worker tells Prometheus of our own; the SDK has a registry and a port of its own. What PostgreSQL and Temporal know is read at the
// scrape: the figures are those of the whole installation, whichever worker is asked. What wakes whom: deploy/prometheus/alerts.yml.
import { Gauge, Registry } from 'prom-client';
import type { Anchor } from '../services/audit/audit-proof.ts';
import type { BackupStanding } from '../services/backups/backup-list.ts';
import type { OutboxStanding } from '../services/notifications/outbox.ts';

export interface WorkerState {
  readonly isTemporalUp: boolean;
  readonly isWorking: boolean;
  /** Null while Temporal does not answer. */
  waitingForAPerson(): Promise<number | null>;
  /** Null while PostgreSQL does not answer: the series are left out then, and no alert takes silence for health. */
  reconciliations(): Promise<{ readonly needAttention: number; readonly provenAt: number } | null>;
  masterKeys(): Promise<{ readonly behind: number; readonly left: number; readonly retired: number } | null>;
  /** Null also before the first proof. */
  auditAnchor(): Promise<Anchor | null>;
  /** Seconds since 1970 and seconds; 0: never. */
  backups(): Promise<BackupStanding | null>;
  /** Since a restore; 0: it is not held. */
  billingHeldSeconds(): Promise<number | null>;
  outbox(): Promise<OutboxStanding | null>;
  pokes(): Promise<{ readonly waiting: number; readonly oldestSeconds: number } | null>;
  apiKeys(): Promise<{ readonly frozen: number; readonly running: number } | null>;
  channelKeys(): Promise<{ readonly open: number; readonly overdueKeys: number } | null>;
}

export function workerMetrics(state: WorkerState): Registry {
  const registry = new Registry();
  const gauge: TellGauge = (name, help, value) => {
    new Gauge({
      name: `tollgate_${name}`,
      help,
      registers: [registry],
      async collect() {
        const now = await value();
        if (now === null) this.remove();
        else this.set(now);
      },
    });
  };
  gauge('worker_temporal_up', 'Whether Temporal answers this worker', () => Number(state.isTemporalUp));
  gauge('worker_working', 'Whether this worker takes work', () => Number(state.isWorking));
  gauge('workflows_need_attention', 'Workflows of every type that wait for a person', () => state.waitingForAPerson());
  tellProofs(gauge, state);
  tellAnchor(registry, state);
  tellNews(gauge, state);
  tellKeys(gauge, state);
  return registry;
}

type TellGauge = (name: string, help: string, value: () => number | Promise<number | null>) => void;

function tellProofs(gauge: TellGauge, state: WorkerState): void {
  const ledgerGauge = gaugesOf(gauge, () => state.reconciliations());
  ledgerGauge(
    'reconciliations_need_attention',
    'Proofs of the ledger that wait for a person',
    (one) => one.needAttention,
  );
  ledgerGauge(
    'ledger_proven_timestamp_seconds',
    'When all invariants of the ledger last held; 0: never',
    (one) => one.provenAt,
  );
  const backupGauge = gaugesOf(gauge, () => state.backups());
  backupGauge(
    'last_verified_backup_timestamp_seconds',
    'When the newest backup was taken that proved itself; 0: none',
    (one) => one.provenAt,
  );
  backupGauge(
    'restore_check_seconds',
    'How long the last drill took to restore a backup; 0: there was none',
    (one) => one.restoreSeconds,
  );
  gauge('billing_hold_seconds', 'How long billing is on hold since a restore; 0: it is not', () =>
    state.billingHeldSeconds(),
  );
  backupGauge('backups_need_attention', 'Backups and drills that wait for a person', (one) => one.needAttention);
}

function tellNews(gauge: TellGauge, state: WorkerState): void {
  const mailGauge = gaugesOf(gauge, () => state.outbox());
  mailGauge('notifications_waiting', 'Mails that no mail server has taken yet', (one) => one.waiting);
  mailGauge('notifications_oldest_seconds', 'How long the oldest of them waits', (one) => one.oldestSeconds);
  mailGauge(
    'notifications_given_up',
    'Mails of the last week that were refused for good, or for a day',
    (one) => one.givenUp,
  );
  mailGauge(
    'notifications_without_recipient',
    'Organizations whose mails of the last week had nobody to go to',
    (one) => one.withoutRecipient,
  );
  const pokeGauge = gaugesOf(gauge, () => state.pokes());
  pokeGauge('process_pokes_waiting', 'Workflows that have news and were not told yet', (one) => one.waiting);
  pokeGauge('process_pokes_oldest_seconds', 'For how long the first of them has waited', (one) => one.oldestSeconds);
}

function tellKeys(gauge: TellGauge, state: WorkerState): void {
  const masterGauge = gaugesOf(gauge, () => state.masterKeys());
  masterGauge(
    'master_key_processes_behind',
    'Processes without the master key that seals or is coming',
    (one) => one.behind,
  );
  masterGauge(
    'master_key_rows_left',
    'Rows that are sealed under another master key than the one that seals',
    (one) => one.left,
  );
  masterGauge(
    'master_keys_retired',
    'Master keys that seal nothing any more and were not destroyed',
    (one) => one.retired,
  );
  const apiKeyGauge = gaugesOf(gauge, () => state.apiKeys());
  apiKeyGauge(
    'api_keys_frozen',
    'API keys that were found in public, and neither rolled nor let go on since',
    (one) => one.frozen,
  );
  apiKeyGauge(
    'api_key_rotations_running',
    'Rolled API keys whose replaced credential works still',
    (one) => one.running,
  );
  const channelGauge = gaugesOf(gauge, () => state.channelKeys());
  channelGauge('channel_key_rotations_open', 'Keys of channels that are being changed', (one) => one.open);
  channelGauge(
    'channel_keys_overdue',
    'Keys of channels that are a day older than they may be',
    (one) => one.overdueKeys,
  );
}

/** Several figures of one question, which is asked once a scrape. */
function gaugesOf<T>(gauge: TellGauge, ask: () => Promise<T | null>) {
  const standing = askedOnce(ask);
  return (name: string, help: string, figure: (one: T) => number): void =>
    gauge(name, help, async () => {
      const one = await standing();
      return one === null ? null : figure(one);
    });
}

/** What Prometheus keeps of it nobody changes in PostgreSQL (D82). One series a proof, which is a night. */
function tellAnchor(registry: Registry, state: WorkerState): void {
  new Gauge({
    name: 'tollgate_audit_anchor_seq',
    help: 'The last entry of the audit log when it was last proven, with its hash',
    labelNames: ['hash'],
    registers: [registry],
    async collect() {
      const anchor = await state.auditAnchor();
      this.reset();
      if (anchor !== null) this.set({ hash: anchor.hash }, anchor.seq);
    },
  });
}

/** All figures of a scrape are of one question. */
function askedOnce<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | null = null;
  return () => {
    asked ??= ask().finally(() => {
      asked = null;
    });
    return asked;
  };
}
