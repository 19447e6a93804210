// A migrated database on a PostgreSQL of its own, up before a test file's first test and gone after its last.
import { afterAll } from '@jest/globals';
import { Pool } from 'pg';
import { startThrowawayPostgres, type ThrowawayDatabase } from './throwaway-postgres.ts';

interface OwnDatabase {
  readonly database: ThrowawayDatabase;
  /** As superuser. */
  readonly admin: Pool;
}

/** Called once, at the top of the file: `const { database, admin } = await ownDatabase();` */
export async function ownDatabase(): Promise<OwnDatabase> {
  const postgres = await startThrowawayPostgres();
  const database = await postgres.createDatabase();
  const admin = new Pool({ connectionString: database.url });
  afterAll(async () => {
    await admin.end();
    await postgres.stop();
  });
  return { database, admin };
}
