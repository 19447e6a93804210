// A look into the books by the role that can only read.
import { Client } from 'pg';
import type { ThrowawayDatabase } from '../../support/throwaway-postgres.ts';

export async function readOnce<T>(database: ThrowawayDatabase, read: (db: Client) => Promise<T>): Promise<T> {
  const db = new Client({ connectionString: database.urlFor('readonly') });
  db.on('error', () => undefined); // it is being killed all the time
  try {
    await db.connect();
    return await read(db);
  } finally {
    await db.end().catch(() => undefined);
  }
}
