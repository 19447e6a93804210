// A backup that somebody asked for, proven as if a worker had been here, and a drill of it.
import type { Pool } from 'pg';
import type { TakeStep } from './take-step.ts';

export async function oneBackup(db: Pool, step: TakeStep): Promise<void> {
  const name = (await step('post', '/backups', {}, {})).string('name');
  await db.query(
    `update backups set stage = 'completed', object = 'o', bytes = 1, sha256 = 's', taken_at = clock_timestamp(),
            proven_at = clock_timestamp(), ended_at = clock_timestamp() where name = $1`,
    [name],
  );
  await step('post', '/restore-checks', {}, { backup: name });
}
