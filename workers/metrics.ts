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
  outbox(): Promise<OutboxStanding | null>;
  pokes(): Promise<{ readonly waiting: number; readonly oldestSeconds: number } | null>;
  apiKeys(): Promise<{ readonly frozen: number; readonly running: number } | null>;
  channelKeys(): Promise<{ readonly open: number; readonly overdueKeys: number } | null>;
}

export function workerMetrics(state: WorkerState): Registry {
  const registry = new Registry();
  const gauge = (name: string, help: string, value: () => number | Promise<number | null>) => {
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
  const standing = askedOnce(() => state.reconciliations());
  const outbox = askedOnce(() => state.outbox());
  const pokes = askedOnce(() => state.pokes());
  gauge('worker_temporal_up', 'Whether Temporal answers this worker', () => Number(state.isTemporalUp));
  gauge('worker_working', 'Whether this worker takes work', () => Number(state.isWorking));
  gauge('workflows_need_attention', 'Workflows of every type that wait for a person', () => state.waitingForAPerson());
  gauge('reconciliations_need_attention', 'Proofs of the ledger that wait for a person', async () => {
    return (await standing())?.needAttention ?? null;
  });
  gauge('ledger_proven_timestamp_seconds', 'When all invariants of the ledger last held; 0: never', async () => {
    return (await standing())?.provenAt ?? null;
  });
  const masterKeys = askedOnce(() => state.masterKeys());
  gauge('master_key_processes_behind', 'Processes without the master key that seals or is coming', async () => {
    return (await masterKeys())?.behind ?? null;
  });
  gauge('master_key_rows_left', 'Rows that are sealed under another master key than the one that seals', async () => {
    return (await masterKeys())?.left ?? null;
  });
  gauge('master_keys_retired', 'Master keys that seal nothing any more and were not destroyed', async () => {
    return (await masterKeys())?.retired ?? null;
  });
  tellAnchor(registry, state);
  const backups = askedOnce(() => state.backups());
  gauge(
    'last_verified_backup_timestamp_seconds',
    'When the newest backup was taken that proved itself; 0: none',
    async () => {
      return (await backups())?.provenAt ?? null;
    },
  );
  gauge('restore_check_seconds', 'How long the last drill took to restore a backup; 0: there was none', async () => {
    return (await backups())?.restoreSeconds ?? null;
  });
  gauge('backups_need_attention', 'Backups and drills that wait for a person', async () => {
    return (await backups())?.needAttention ?? null;
  });
  gauge('notifications_waiting', 'Mails that no mail server has taken yet', async () => {
    return (await outbox())?.waiting ?? null;
  });
  gauge('notifications_oldest_seconds', 'How long the oldest of them waits', async () => {
    return (await outbox())?.oldestSeconds ?? null;
  });
  gauge('notifications_given_up', 'Mails of the last week that were refused for good, or for a day', async () => {
    return (await outbox())?.givenUp ?? null;
  });
  gauge(
    'notifications_without_recipient',
    'Organizations whose mails of the last week had nobody to go to',
    async () => {
      return (await outbox())?.withoutRecipient ?? null;
    },
  );
  const apiKeys = askedOnce(() => state.apiKeys());
  gauge('api_keys_frozen', 'API keys that were found in public, and neither rolled nor let go on since', async () => {
    return (await apiKeys())?.frozen ?? null;
  });
  gauge('api_key_rotations_running', 'Rolled API keys whose replaced credential works still', async () => {
    return (await apiKeys())?.running ?? null;
  });
  gauge('process_pokes_waiting', 'Workflows that have news and were not told yet', async () => {
    return (await pokes())?.waiting ?? null;
  });
  gauge('process_pokes_oldest_seconds', 'For how long the first of them has waited', async () => {
    return (await pokes())?.oldestSeconds ?? null;
  });
  const channelKeys = askedOnce(() => state.channelKeys());
  gauge('channel_key_rotations_open', 'Keys of channels that are being changed', async () => {
    return (await channelKeys())?.open ?? null;
  });
  gauge('channel_keys_overdue', 'Keys of channels that are a day older than they may be', async () => {
    return (await channelKeys())?.overdueKeys ?? null;
  });
  return registry;
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
