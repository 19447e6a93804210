// Secrets by the thousand, which the rotation of the master key renews: seeds of authenticator apps, of which an installation has as many as people. Keys of channels
// would not do: gateways hold every one of them in memory.
import type { Pool } from 'pg';
import { newId } from '../../services/platform/ids.ts';
import type { Vault } from '../../services/vault/vault.ts';

const AT_ONCE = 5_000;

export async function enrolPeople(db: Pool, vault: Vault, count: number): Promise<void> {
  const { current: version } = vault.keyring;
  for (let added = 0; added < count; added += AT_ONCE) {
    const ids = Array.from({ length: Math.min(AT_ONCE, count - added) }, newId);
    const sealed = ids.map((rowId) =>
      vault.seal(
        `seed of ${rowId}`,
        { table: 'auth.second_factors', rowId, column: 'sealed', origin: 'totp:' },
        version,
      ),
    );
    await db.query(
      `with people as (
         insert into persons (id, email, name) select id, id || '@people.example', 'Enrolled' from unnest($1::uuid[]) id returning id
       )
       insert into auth.second_factors (person_id, sealed, master_key_version)
       select p.id, k.sealed, $3 from unnest($1::uuid[], $2::jsonb[]) as k(id, sealed) join people p on p.id = k.id`,
      [ids, sealed.map((one) => JSON.stringify(one)), version],
    );
  }
}
