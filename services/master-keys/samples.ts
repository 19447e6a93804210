// Some of what is sealed, opened as those open it who use it: that a row is counted under a version does not say that its secret is in it. They are dropped at
// once (D148).
import { secondFactorPlace } from '../accounts/second-factors.ts';
import { channelKeyContext } from '../channels/channel-key-context.ts';
import { adminKeyContext } from '../channels/provider-admin.ts';
import type { Queryable } from '../platform/postgres.ts';
import { providerPlace } from '../single-sign-on/identity-providers.ts';
import type { SealContext, Sealed, Vault } from '../vault/vault.ts';

const OF_EACH = 20;

interface Sample {
  readonly id: string;
  /** What its place hangs on beside its id. */
  readonly boundTo: string;
  readonly sealed: Sealed;
}

interface Sampled {
  readonly table: string;
  readonly samples: string;
  placeOf(sample: Sample): SealContext;
}

/**
 * Each table of sealed_tables(), and what of it must open: keys of channels that are in use, and what counts of the others. Backups ask by connections
 * that look into no schema by themselves.
 */
export const SAMPLED: readonly Sampled[] = [
  {
    table: 'channel_keys',
    samples: `select k.id, c.base_url as "boundTo", k.sealed from public.channel_keys k join public.channels c on c.id = k.channel_id where k.status = 'active'`,
    placeOf: ({ id, boundTo }) => channelKeyContext(id, boundTo),
  },
  {
    table: 'channel_admin_keys',
    samples: `select c.id, c.base_url as "boundTo", a.sealed from public.channel_admin_keys a join public.channels c on c.id = a.channel_id`,
    placeOf: ({ id, boundTo }) => adminKeyContext(id, boundTo),
  },
  {
    table: 'auth.second_factors',
    samples: `select person_id as id, '' as "boundTo", sealed from auth.second_factors where enrolled_at is not null`,
    placeOf: ({ id }) => secondFactorPlace(id),
  },
  {
    table: 'identity_providers',
    samples: 'select org_id as id, issuer as "boundTo", sealed from public.identity_providers where sealed is not null',
    placeOf: ({ id, boundTo }) => providerPlace(id, boundTo),
  },
];

/** Those of some twenty of each table that do not open, in words. */
export async function unopenedSamples(db: Queryable, vault: Vault): Promise<string[]> {
  const unopened: string[] = [];
  for (const { table, samples, placeOf } of SAMPLED) {
    const { rows } = await db.query<Sample>(`select * from (${samples}) sample order by random() limit ${OF_EACH}`);
    for (const sample of rows)
      if (!opens(vault, sample.sealed, placeOf(sample))) unopened.push(`${table} ${sample.id}`);
  }
  return unopened;
}

export function opens(vault: Vault, sealed: Sealed, place: SealContext): boolean {
  try {
    vault.open(sealed, place);
    return true;
  } catch {
    return false;
  }
}
