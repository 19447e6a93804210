// What a superuser could do to a database past all its triggers, done to a copy of it.
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { createPool } from '../../services/platform/postgres.ts';
import type { ThrowawayDatabase, ThrowawayPostgres } from './throwaway-postgres.ts';

interface Original {
  readonly postgres: ThrowawayPostgres;
  readonly database: ThrowawayDatabase;
}

export async function onPlantedCopy<T>(
  { postgres, database }: Original,
  defect: string,
  look: (copy: Pool) => Promise<T>,
): Promise<T> {
  const name = `planted_${randomUUID().replaceAll('-', '')}`;
  const server = createPool(postgres.adminUrl, { name: 'copies', maxConnections: 1, statementTimeoutMs: 20_000 });
  const url = new URL(database.url);
  await idle(server, url.pathname.slice(1));
  await server.query(`create database ${name} template ${url.pathname.slice(1)}`);
  url.pathname = `/${name}`;
  const copy = createPool(url.href, { name: 'copy', maxConnections: 2, statementTimeoutMs: 10_000 });
  try {
    await copy.query(`set session_replication_role = replica; ${defect}`);
    return await look(copy);
  } finally {
    await copy.end();
    await server.query(`drop database ${name} with (force)`);
    await server.end();
  }
}

/** PostgreSQL copies a database only while nobody is connected to it; the pools connect again by themselves. */
async function idle(server: Pool, datname: string): Promise<void> {
  await server.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1', [datname]);
}
