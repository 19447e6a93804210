// Some of what the vault has sealed, by which a backup shows that its secrets open: of each kind the newest, and of each version of the master
// key. Which ones is told where the backup is taken, since a key that was entered for another origin opens for nobody (R-KEY-4).
import type { Client } from 'pg';
import { z } from 'zod';
import { opens, SAMPLED } from '../master-keys/samples.ts';
import type { SealContext, Sealed, Vault } from '../vault/vault.ts';

const OF_EACH = 10;

export const sampleSchema = z.object({ table: z.string(), rowId: z.string(), version: z.number().int() });

export type Sample = z.infer<typeof sampleSchema>;

interface SealedRow {
  readonly sample: Sample;
  readonly sealed: Sealed;
  readonly place: SealContext;
}

export async function samplesThatOpen(client: Client, vault: Vault): Promise<Sample[]> {
  const rows = await sealedRows(client);
  return rows.filter(({ sealed, place }) => opens(vault, sealed, place)).map(({ sample }) => sample);
}

/** Those of the promised ones that are missing or stay shut. */
export async function samplesThatFail(client: Client, vault: Vault, promised: readonly Sample[]): Promise<Sample[]> {
  const rows = await sealedRows(client);
  return promised.filter(({ table, rowId }) => {
    const row = rows.find(({ sample }) => sample.table === table && sample.rowId === rowId);
    return row === undefined || !opens(vault, row.sealed, row.place);
  });
}

/** A backup that is older than a table has none of it. */
async function sealedRows(client: Client): Promise<SealedRow[]> {
  const found: SealedRow[] = [];
  for (const { table, samples, placeOf } of SAMPLED) {
    const name = table.includes('.') ? table : `public.${table}`;
    const { rows: known } = await client.query('select where to_regclass($1) is not null', [name]);
    if (known.length === 0) continue;
    // Ids grow with time.
    const { rows } = await client.query<{ id: string; boundTo: string; sealed: Sealed; version: number }>(
      `select id, "boundTo", sealed, version from (
         select *, row_number() over (partition by version order by id desc) as nth
           from (select *, (sealed ->> 'v')::integer as version from (${samples}) sample) versioned) numbered
        where nth <= $1`,
      [OF_EACH],
    );
    for (const { id, boundTo, sealed, version } of rows) {
      const sample = { table, rowId: id, version };
      found.push({ sample, sealed, place: placeOf({ id, boundTo, sealed }) });
    }
  }
  return found;
}
