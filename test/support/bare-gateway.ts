// The money parts of one gateway without HTTP: incarnation, leases, journal and settlement writer against a real PostgreSQL, as
// api/gateway.ts wires them. A test plays the requests.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type Pool } from 'pg';
import { type Nano, nano } from '../../domain/nano.ts';
import { Incarnation } from '../../services/incarnations/incarnation.ts';
import { Journal } from '../../services/journal/journal.ts';
import type { KeyHolder } from '../../services/leases/key-leases.ts';
import type { Reservation } from '../../services/leases/lease.ts';
import { LeaseBook } from '../../services/leases/lease-book.ts';
import type { Acknowledged } from '../../services/ledger/settlement.ts';
import type { AttemptRow, UsageRow } from '../../services/ledger/settlement-rows.ts';
import { SettlementWriter } from '../../services/ledger/settlement-writer.ts';
import { newId } from '../../services/platform/ids.ts';
import { createPool } from '../../services/platform/postgres.ts';
import { payUrlOf } from './overdue.ts';
import type { ThrowawayDatabase } from './throwaway-postgres.ts';

export const SOME_ID = '0193f000-0000-7000-8000-000000000001';

export interface BareGateway {
  readonly incarnation: Incarnation;
  readonly leases: LeaseBook;
  readonly writer: SettlementWriter;
  readonly journal: Journal;
  readonly journalDir: string;
  /** `<event> <request id> ...` */
  readonly trouble: string[];
  /** Reserves exactly this much. */
  hold(customer: Customer, usd: string): Promise<Reservation>;
  settle(customer: Customer, reservation: Reservation, usd: string, requestId?: string): Promise<Acknowledged>;
  close(): Promise<void>;
  /** As kill -9 leaves it: nothing is given back. */
  abandon(): Promise<void>;
}

export interface Customer extends KeyHolder {
  readonly projectId: string;
}

export async function openBareGateway(database: ThrowawayDatabase): Promise<BareGateway> {
  const db = createPool(database.urlFor('gateway'), {
    name: 'bare gateway',
    maxConnections: 4,
    statementTimeoutMs: 5_000,
  });
  const folder = mkdtempSync(join(database.folder, 'journal-'));
  const trouble: string[] = [];
  const incarnation = new Incarnation(db, newId(), () => trouble.push('fenced'));
  const journal = new Journal(folder, incarnation.id);
  await incarnation.begin(journal.folder);
  const leases = new LeaseBook(db, incarnation, payUrlOf);
  const writer = new SettlementWriter({
    incarnationId: incarnation.id,
    journal,
    connect: async () => {
      const client = new Client({ connectionString: database.urlFor('gateway') });
      client.on('error', () => {}); // its statement rejects and says so
      await client.connect();
      return client;
    },
    mayStillSpill: () => incarnation.mayAdmit(),
    onFenced: () => incarnation.wasFenced(),
    onTrouble: (event, _error, requestIds) => trouble.push([event, ...requestIds].join(' ')),
  });
  await writer.begin();
  return {
    incarnation,
    leases,
    writer,
    journal,
    journalDir: folder,
    trouble,
    hold: (customer, usd) => {
      const amount = usdToNano(usd);
      const need = { floor: amount, preferred: amount, wish: amount };
      return Promise.resolve(leases.reserve(customer, need) ?? leases.acquire(customer, need));
    },
    settle: (customer, reservation, usd, requestId = newId()) => {
      leases.settle(reservation, usdToNano(usd));
      return new Promise((acknowledged) =>
        writer.settle({
          ...rowsOf(customer, reservation.lease.id, usdToNano(usd), requestId),
          segments: [],
          acknowledged,
          inDatabase: () => leases.confirmed(reservation.lease),
        }),
      );
    },
    close: async () => {
      await writer.drain(5_000);
      await leases.close();
      incarnation.stop();
      journal.close();
      await db.end();
      rmSync(folder, { recursive: true, force: true });
    },
    abandon: async () => {
      incarnation.stop();
      await writer.drain(5_000);
      await db.end();
    },
  };
}

export function rowsOf(
  customer: Customer,
  leaseId: string,
  rated: Nano,
  requestId: string,
): { usage: UsageRow; attempts: AttemptRow[] } {
  return {
    usage: {
      request_id: requestId,
      org_id: customer.orgId,
      project_id: customer.projectId,
      member_id: null,
      api_key_id: customer.id,
      lease_id: leaseId,
      model_id: 'std',
      dialect: 'openai-chat',
      streamed: false,
      price_version_id: SOME_ID,
      meters: { input: 1 },
      usage_source: 'provider',
      delivered_bytes: 4,
      rated_nano: String(rated),
      outcome: 'complete',
      winner: 1,
      admitted_ms: Date.now(),
    },
    attempts: [
      {
        request_id: requestId,
        n: 1,
        org_id: customer.orgId,
        channel_id: SOME_ID,
        channel_key_id: SOME_ID,
        model_id: 'std',
        upstream_model: 'std',
        cost_version_id: null,
        outcome: 'won',
        failure_class: null,
        status: 200,
        sent_ms: Date.now(),
        first_byte_ms: 1,
        duration_ms: 2,
        cost_nano: '1',
      },
    ],
  };
}

export interface GrantWish {
  readonly usd: string;
  readonly priority?: number;
  /** 'manual' where it does not matter. */
  readonly source?: string;
  /** An SQL interval from now; it may be in the past only after the clock of the test has moved. */
  readonly expiresIn?: string;
}

/** An organization with a project, a key and these grants; returns the ids of the grants in the order given. */
export async function newCustomer(
  admin: Pool,
  grants: readonly GrantWish[],
): Promise<Customer & { grantIds: string[] }> {
  const [orgId, projectId, id] = [newId(), newId(), newId()];
  await admin.query('insert into organizations (id, name) values ($1, $2)', [orgId, `customer ${orgId}`]);
  await admin.query(`insert into projects (id, org_id, name) values ($1, $2, 'default')`, [projectId, orgId]);
  await admin.query(
    `insert into api_keys (id, org_id, project_id, name, digest, prefix, last_four) values ($1, $2, $3, 'key', sha256($4), 'sk-tg-', 'abcd')`,
    [id, orgId, projectId, Buffer.from(id)],
  );
  const grantIds: string[] = [];
  for (const grant of grants) grantIds.push(await issueGrant(admin, orgId, grant));
  return { id, orgId, projectId, grantIds, enforcementSeq: 0 };
}

export async function issueGrant(
  admin: Pool,
  orgId: string,
  { usd, priority = 20, source = 'manual', expiresIn }: GrantWish,
): Promise<string> {
  const id = newId();
  await admin.query(`select issue_grant($1, $2, $6, $3, $4, 0, billing_now() + $5::interval, null, 'test')`, [
    id,
    orgId,
    priority,
    usdToNano(usd),
    expiresIn ?? null,
    source,
  ]);
  return id;
}

/** '0.008755' -> 8755000n */
function usdToNano(usd: string): Nano {
  const [whole = '0', fraction = ''] = usd.split('.');
  return nano(`${whole}${fraction.padEnd(9, '0')}`.replace(/^(-?)0+(?=\d)/, '$1'));
}

export async function oneRow<T extends object>(db: Pool, sql: string, values: unknown[] = []): Promise<T> {
  const { rows } = await db.query<T>(sql, values);
  const [row] = rows;
  if (row === undefined) throw new Error(`no row: ${sql}`);
  return row;
}
