// How every test that spends money ends: nothing is held, and the ledger says what the usage records say.
import { expect } from '@jest/globals';
import { verifyLedger } from '../../../services/ledger/verifier.ts';
import { createPool } from '../../../services/platform/postgres.ts';
import { oneRow } from '../../support/bare-gateway.ts';
import { until } from '../../support/until.ts';
import type { Site } from './site.ts';

/**
 * Running gateways are asked for what they do not use, as another gateway in need would ask them; dead ones are waited
 * for. What is held, spent and charged is one snapshot: a lease granted between two questions would look like a loss.
 */
export async function expectBalancedBooks(site: Site): Promise<void> {
  let books: Books | undefined;
  await until(async () => {
    await site.admin.query(`select pg_notify('tollgate_config', 'recall:' || id) from organizations`);
    books = await booksOf(site);
    return books.held === '0';
  });
  expect(books?.spent).toBe(books?.charged);
  const worker = createPool(site.database.urlFor('worker'), {
    name: 'books',
    maxConnections: 1,
    statementTimeoutMs: 10_000,
  });
  try {
    const { checks } = await verifyLedger(worker);
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  } finally {
    await worker.end();
  }
}

interface Books {
  /** What leases hold and have not spent. */
  readonly held: string;
  readonly spent: string;
  readonly charged: string;
}

function booksOf({ admin }: Site): Promise<Books> {
  return oneRow<Books>(
    admin,
    `select (select coalesce(sum(amount_nano - consumed_nano), 0) from leases where closed_at is null)::text as held,
            ((select coalesce(sum(g.amount_nano), 0) from credit_grants g)
             - (select coalesce(sum(b.available_nano), 0) from grant_balances b)
             + (select coalesce(sum(o.overdraft_nano), 0) from organizations o))::text as spent,
            (select coalesce(sum(u.charge_nano), 0) from usage_records u)::text as charged`,
  );
}

export interface RequestRow {
  readonly request_id: string;
  readonly charge_nano: string;
  readonly outcome: string;
}

export async function recordsOf(site: Site, orgId: string): Promise<RequestRow[]> {
  const { rows } = await site.admin.query<RequestRow>(
    'select request_id, charge_nano, outcome from usage_records where org_id = $1 order by admitted_at, request_id',
    [orgId],
  );
  return rows;
}
