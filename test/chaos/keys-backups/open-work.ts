// What goes on at a moment, as its rows say: a kill that falls while nothing does proves nothing.
import type { Client } from 'pg';

/** A process that has not ended, and where it stands: "backup dumping". */
export type OpenWork = `${'backup' | 'drill' | 'channel key' | 'master key' | 'API key'} ${string}`;

export async function openWork(db: Client): Promise<OpenWork[]> {
  const { rows } = await db.query<{ what: OpenWork }>(
    `select 'backup ' || stage as what from backups where ended_at is null
      union all select 'drill ' || stage from restore_checks where ended_at is null
      union all select 'channel key ' || stage from channel_key_rotations where ended_at is null
      union all select 'master key ' || stage from master_key_rotations where ended_at is null
      union all select 'API key overlap' from api_key_rotations where ended_at is null`,
  );
  return rows.map(({ what }) => what);
}
