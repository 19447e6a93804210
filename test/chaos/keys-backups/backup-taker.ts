// Somebody who has one backup taken after another, and every second one restored by the clock as a drill. A case that waits for a person is told to go on, as the
// page of operations says, and counted: a kill alone should bring nobody from his bed.
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Client as TemporalClient } from '@temporalio/client';
import type { Client } from 'pg';
import { backupId } from '../../../workflows/contracts/backup.ts';
import { restoreCheckId } from '../../../workflows/contracts/restore-check.ts';
import { insistently } from '../billing/billing-clock.ts';
import type { Management } from '../management.ts';
import { asAdmin, type KeysProduct } from './keys-product.ts';
import { withTemporal } from './temporal-client.ts';

const LOOK_EVERY_MS = 500;
const PATIENCE_MS = 200_000;

type Kind = 'backups' | 'restore_checks';

export class BackupTaker {
  readonly #product: KeysProduct;
  readonly #api: Management;
  completed = { backups: 0, restore_checks: 0 };
  /** Why each waited for a person. */
  readonly troubles: string[] = [];

  constructor(product: KeysProduct, api: Management) {
    this.#product = product;
    this.#api = api;
  }

  async takeOn(over: AbortSignal): Promise<void> {
    for (let nth = 1; !over.aborted; nth += 1) {
      const { name } = await this.#api.post<{ name: string }>('/backups', {});
      const isTaken = await this.#completes('backups', name);
      if (!isTaken || nth % 2 === 1 || over.aborted) continue;
      const drill = await this.#api.post<{ name: string }>('/restore-checks', { backup: name });
      await this.#completes('restore_checks', drill.name);
    }
  }

  /** False: it has not within the patience that there is. */
  async #completes(kind: Kind, name: string): Promise<boolean> {
    const giveUpAtMs = performance.now() + PATIENCE_MS;
    for (let told = ''; performance.now() < giveUpAtMs; await wait(LOOK_EVERY_MS)) {
      const { stage, round, trouble } = await insistently(() =>
        asAdmin(this.#product.database, (db) => standing(db, kind, name)),
      );
      if (stage === 'completed') {
        this.completed[kind] += 1;
        return true;
      }
      if (stage !== 'attention' || told === `${round}`) continue;
      this.troubles.push(`${name}: ${trouble}`);
      told = `${round}`;
      await this.#retry(kind, name);
    }
    return false;
  }

  async #retry(kind: Kind, name: string): Promise<void> {
    const workflowId = kind === 'backups' ? backupId(name) : restoreCheckId(name);
    const told = { actor: 'campaign', reason: 'what was killed is back', requestId: randomUUID() };
    await insistently(() =>
      withTemporal(this.#product, (client: TemporalClient) =>
        client.workflow.getHandle(workflowId).executeUpdate('retryNow', { args: [told] }),
      ),
    );
  }
}

async function standing(db: Client, kind: Kind, name: string) {
  const { rows } = await db.query<{ stage: string; round: number; trouble: string | null }>(
    `select stage, round, trouble from ${kind} where name = $1`,
    [name],
  );
  if (rows[0] === undefined) throw new Error(`there is no ${name}`);
  return rows[0];
}
