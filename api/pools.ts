// The connections of a gateway to PostgreSQL: as which role each part asks, and how many may wait at once.
import type { Config } from '../services/platform/config.ts';
import { createPool } from '../services/platform/postgres.ts';

/** Renewal has a connection of its own: it must not wait behind the leases of a slow PostgreSQL. */
export function openPools({ databaseUrl, workerDatabaseUrl, membersDatabaseUrl }: Config) {
  const management = { name: 'tollgate management', maxConnections: 4, statementTimeoutMs: 10_000 };
  return {
    db: createPool(databaseUrl, { name: 'tollgate leases', maxConnections: 8, statementTimeoutMs: 2_000 }),
    renewalDb: createPool(databaseUrl, { name: 'tollgate renewal', maxConnections: 1, statementTimeoutMs: 4_000 }),
    workerDb: createPool(workerDatabaseUrl, management),
    membersDb: createPool(membersDatabaseUrl, { ...management, name: 'tollgate members' }),
  };
}
