// Rotations of the master key as their workflows look at them and people command them (D129). Each look does what the row is ready for: once every process
// has the new version, it alone seals; then older wraps are renewed, batch by batch, for as long as nobody pauses it.
import { setTimeout as wait } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { type RotationCommandName, stepMasterKeyRotation } from '../../domain/master-key-rotation.ts';
import { type AuditEntry, writeAudit } from '../audit/audit.ts';
import { newId } from '../platform/ids.ts';
import { inTransaction } from '../platform/postgres.ts';
import { audited, type Commanding, type CommandOutcome, commandOnce, type Obeyed } from '../processes/commands.ts';
import { masterKeyRotationWorkflowId, pokeProcess } from '../processes/poke.ts';
import { sealingVersion } from '../vault/sealing.ts';
import { fingerprintOf, type Vault } from '../vault/vault.ts';
import {
  countResealed,
  letItSeal,
  lockedRotation,
  processesWithout,
  type RotationView,
  rotationView,
  rowsBeside,
  saveRotation,
} from './rotation-rows.ts';
import { unopenedSamples } from './samples.ts';
import { MOST_TROUBLES, type ResealCursor, type ResealedBatch, resealBatch, sealedRowCounts } from './sealed-rows.ts';

/** A batch is 600 rows: 3,000 a second, and most of each second is left to those who serve. */
const BATCH_EVERY_MS = 200;

export type RotationCommand = Commanding & { readonly command: RotationCommandName };

export class MasterKeyRotations {
  readonly #db: Pool;
  readonly #vault: Vault;

  constructor(db: Pool, vault: Vault) {
    this.#db = db;
    this.#vault = vault;
  }

  /** With the version that seals held: a process that starts meanwhile either is seen here, or finds that it lacks the new one. */
  tick(version: number): Promise<RotationView> {
    return inTransaction(this.#db, async (tx) => {
      const before = await lockedRotation(tx, version);
      await tx.query(`select from master_keys where state = 'sealing' for update`);
      const behind = (await processesWithout(tx, version)).length;
      const stepped = stepMasterKeyRotation(before, { kind: 'looked', behind });
      if (stepped.kind === 'stepped' && stepped.writes.includes('seal')) {
        await letItSeal(tx, version);
        await tell(tx, version, 'switched', { total: await rowsBeside(tx, version) });
      }
      return rotationView(tx, version);
    });
  }

  /** Until nothing is left, or it is paused: the row says which. @throws AbortError when its worker leaves: another one goes on */
  async reseal(version: number, leaving: AbortSignal): Promise<RotationView> {
    await this.#requireKeys(version);
    let pass: Pass = FIRST;
    for (;;) {
      const beganAtMs = performance.now();
      const { cursor } = pass;
      const batch = await inTransaction(this.#db, (tx) => this.#batch(tx, version, cursor));
      if (batch === null) return rotationView(this.#db, version);
      pass = withBatch(pass, batch);
      if (batch.next === null) {
        if ((await rowsBeside(this.#db, version)) <= pass.unopened) return this.#finish(version, pass.troubles);
        pass = FIRST; // somebody was writing some of them
      }
      await wait(Math.max(0, BATCH_EVERY_MS - (performance.now() - beganAtMs)), undefined, { signal: leaving });
    }
  }

  command(version: number, told: RotationCommand) {
    return inTransaction(this.#db, async (tx) =>
      audited(tx, masterKeyRotationWorkflowId(version), told, await commandRotation(tx, version, told)),
    );
  }

  /** Another worker has them, or this one will. @throws Error */
  async #requireKeys(version: number): Promise<void> {
    const { keys } = this.#vault.keyring;
    const needed = [version, ...(await sealedRowCounts(this.#db)).keys()];
    const missing = needed.filter((one) => !keys.has(one));
    if (missing.length > 0) throw new Error(`this worker does not have master key ${missing.join(', ')}`);
  }

  /** Null: nobody wants it now. */
  async #batch(tx: PoolClient, version: number, cursor: ResealCursor | null): Promise<ResealedBatch | null> {
    const { stage, isPaused } = await lockedRotation(tx, version);
    if (stage !== 'resealing' || isPaused) return null;
    const batch = await resealBatch(tx, this.#vault, version, cursor);
    await countResealed(tx, version, batch.renewed);
    return batch;
  }

  async #finish(version: number, unopened: readonly string[]): Promise<RotationView> {
    const troubles = unopened.length > 0 ? unopened : await unopenedSamples(this.#db, this.#vault);
    return inTransaction(this.#db, async (tx) => {
      const before = await lockedRotation(tx, version);
      const stepped = stepMasterKeyRotation(before, { kind: 'resealed', troubles: troubles.length });
      if (stepped.kind === 'stepped' && stepped.state.stage !== before.stage) {
        await saveRotation(tx, version, stepped.state, troubles);
        if (stepped.state.stage === 'completed') await tell(tx, version, 'completed', {});
      }
      return rotationView(tx, version);
    });
  }
}

interface Pass {
  readonly cursor: ResealCursor | null;
  readonly unopened: number;
  readonly troubles: readonly string[];
}

const FIRST: Pass = { cursor: null, unopened: 0, troubles: [] };

function withBatch({ unopened, troubles }: Pass, batch: ResealedBatch): Pass {
  return {
    cursor: batch.next,
    unopened: unopened + batch.unopened,
    troubles: [...troubles, ...batch.troubles].slice(0, MOST_TROUBLES),
  };
}

/** Of a version that this process has and that is newer than all there ever were. @throws TollgateError conflict */
export async function startRotation(
  tx: PoolClient,
  vault: Vault,
  version: number,
  { actor, reason }: Pick<Commanding, 'actor' | 'reason'>,
): Promise<RotationView> {
  const newKey = vault.keyring.keys.get(version);
  if (newKey === undefined)
    throw refusal(`No master key ${version} is in the keyring of this gateway: add it there first.`);
  await sealingVersion(tx, vault.keyring);
  await tx.query(`select from master_keys where state = 'sealing' for update`); // of two who start at once, one waits
  const { rows } = await tx.query<{ newest: number; open: number | null }>(
    `select (select max(version) from master_keys) as newest,
            (select version from master_key_rotations where ended_at is null) as open`,
  );
  const { newest = 0, open = null } = rows[0] ?? {};
  if (open !== null) throw refusal(`The rotation to master key ${open} has not ended: one at a time.`);
  if (version <= newest) {
    throw refusal(`Master key ${version} is not newer than ${newest}: give the new one the number ${newest + 1}.`);
  }
  await tx.query(`insert into master_keys (version, fingerprint, state) values ($1, $2, 'coming')`, [
    version,
    fingerprintOf(newKey),
  ]);
  await tx.query('insert into master_key_rotations (version, started_by, reason) values ($1, $2, $3)', [
    version,
    actor,
    reason,
  ]);
  await poke(tx, version);
  return rotationView(tx, version);
}

/** @throws TollgateError not_found */
export async function commandRotation(
  tx: PoolClient,
  version: number,
  told: RotationCommand,
): Promise<CommandOutcome<RotationView>> {
  await lockedRotation(tx, version);
  return commandOnce(tx, masterKeyRotationWorkflowId(version), told, {
    again: () => rotationView(tx, version),
    obey: () => obey(tx, version, told),
  });
}

async function obey(
  tx: PoolClient,
  version: number,
  { command, reason }: RotationCommand,
): Promise<Obeyed<object, RotationView>> {
  const before = await lockedRotation(tx, version);
  const stepped = stepMasterKeyRotation(before, { kind: command });
  if (stepped.kind === 'refused') return { kind: 'refused', why: stepped.reason };
  const { troubles } = await rotationView(tx, version);
  await saveRotation(tx, version, stepped.state, command === 'dismiss' ? troubles : []);
  if (stepped.writes.includes('withdraw')) await withdraw(tx, version);
  await poke(tx, version);
  const effect = stepped.state;
  const audit = entry(version, ACTIONS[command], { ...effect, ...(command === 'dismiss' ? { troubles } : {}) });
  return { kind: 'done', answer: await rotationView(tx, version), effect, audit: { ...audit, before, reason } };
}

/** As the audit log names them. */
const ACTIONS: Readonly<Record<RotationCommandName, string>> = {
  pause: 'paused',
  resume: 'resumed',
  cancel: 'cancelled',
  retryNow: 'retried',
  dismiss: 'dismissed',
};

/** Nothing was sealed under it, and nothing ever is: a key that is tried again has another number. */
async function withdraw(tx: PoolClient, version: number): Promise<void> {
  await tx.query(`update master_keys set state = 'destroyed', since = clock_timestamp() where version = $1`, [version]);
}

function entry(version: number, done: string, after: object): AuditEntry {
  return { action: `master_key_rotation.${done}`, targetKind: 'master_key', targetId: String(version), after };
}

async function tell(tx: PoolClient, version: number, done: string, after: object): Promise<void> {
  const workflowId = masterKeyRotationWorkflowId(version);
  await writeAudit(tx, { actor: 'master key rotation', requestId: newId(), workflowId }, entry(version, done, after));
}

function poke(tx: PoolClient, version: number): Promise<void> {
  return pokeProcess(tx, masterKeyRotationWorkflowId(version), 'rotate:master-key', String(version));
}

function refusal(message: string): TollgateError {
  return new TollgateError('conflict', { message });
}
