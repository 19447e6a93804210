// Some of what the vault has sealed, by which a backup shows that its secrets open: of each kind the newest, and of each version of the master
// key. Which ones is told where the backup is taken, since a key that was entered for another origin opens for nobody (R-KEY-4).
import type { Client } from 'pg';
import { z } from 'zod';
import { secondFactorContext } from '../accounts/second-factors.ts';
import { channelKeyContext } from '../channels/channel-key-context.ts';
import { identityProviderContext } from '../single-sign-on/identity-providers.ts';
import type { SealContext, Sealed, Vault } from '../vault/vault.ts';

const OF_EACH = 10;

export const sampleSchema = z.object({ table: z.string(), rowId: z.string(), version: z.number().int() });

export type Sample = z.infer<typeof sampleSchema>;

interface SealedRow extends Sample {
  readonly sealed: Sealed;
  /** Where a channel key or the secret of a provider may be sent to. */
  readonly boundTo: string;
}

export async function samplesThatOpen(client: Client, vault: Vault): Promise<Sample[]> {
  const rows = await sealedRows(client);
  return rows.filter((row) => opens(row, vault)).map(({ table, rowId, version }) => ({ table, rowId, version }));
}

/** Those of the promised ones that are missing or stay shut. */
export async function samplesThatFail(client: Client, vault: Vault, promised: readonly Sample[]): Promise<Sample[]> {
  const rows = await sealedRows(client);
  return promised.filter(({ table, rowId }) => {
    const row = rows.find((one) => one.table === table && one.rowId === rowId);
    return row === undefined || !opens(row, vault);
  });
}

async function sealedRows(client: Client): Promise<SealedRow[]> {
  const { rows } = await client.query<SealedRow>(
    `select "table", "rowId", version, sealed, "boundTo" from (
       select *, row_number() over (partition by "table", version order by at desc, "rowId") as place from (
         select 'channel_keys' as "table", k.id::text as "rowId", k.master_key_version as version, k.sealed, c.base_url as "boundTo", k.created_at as at
           from public.channel_keys k join public.channels c on c.id = k.channel_id
         union all
         select 'auth.second_factors', person_id::text, master_key_version, sealed, '', enrolled_at from auth.second_factors
         union all
         select 'identity_providers', org_id::text, master_key_version, sealed, issuer, tested_at
           from public.identity_providers where sealed is not null
       ) sealed_rows) numbered where place <= $1`,
    [OF_EACH],
  );
  return rows;
}

function opens(row: SealedRow, vault: Vault): boolean {
  try {
    vault.open(row.sealed, contextOf(row));
    return true;
  } catch {
    return false;
  }
}

function contextOf({ table, rowId, boundTo }: SealedRow): SealContext {
  if (table === 'channel_keys') return channelKeyContext(rowId, boundTo);
  return table === 'identity_providers' ? identityProviderContext(rowId, boundTo) : secondFactorContext(rowId);
}
