// Seals what a transaction is about to write. Under which master key is PostgreSQL's to say, not that of the process: no two processes read a file at the
// same moment, and a secret that was sealed under the older key after the newer one has taken its place would be left behind (D127). What is sealed is read by the id of its row, and never looked up by what it says (D147).
import type { PoolClient } from 'pg';
import type { Queryable } from '../platform/postgres.ts';
import { fingerprintOf, type Keyring, type SealContext, type Sealed, type Vault } from './vault.ts';

/** @throws Error where this process does not have the master key that seals */
export async function seal(tx: PoolClient, vault: Vault, plaintext: string, context: SealContext): Promise<Sealed> {
  return vault.seal(plaintext, context, await sealingVersion(tx, vault.keyring));
}

/** @throws Error where this process does not have it, or has other bytes, under which nobody else would open anything */
export async function sealingVersion(db: Queryable, keyring: Keyring): Promise<number> {
  const { version, fingerprint } = await holdSealing(db, keyring);
  const held = keyring.keys.get(version);
  if (held === undefined) throw new Error(`there is no master key of version ${version}`);
  if (fingerprintOf(held).equals(fingerprint)) return version;
  throw new Error(`master key ${version} has other bytes than the one that seals`);
}

/** Until the transaction ends no other one seals. In a new installation it is what the first process has. */
export async function holdSealing(
  db: Queryable,
  { current, keys }: Keyring,
): Promise<{ readonly version: number; readonly fingerprint: Buffer }> {
  const offered = keys.get(current);
  const { rows } = await db.query<{ version: number; fingerprint: Buffer }>(
    'select version, fingerprint from sealing_master_key_or($1, $2)',
    offered === undefined ? [null, null] : [current, fingerprintOf(offered)],
  );
  const [sealing] = rows;
  if (sealing === undefined) throw new Error('no process has a master key that seals');
  return sealing;
}
