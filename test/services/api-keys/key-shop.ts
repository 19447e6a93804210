// Customers with API keys over a real PostgreSQL whose clock of billing stands still between two moves, and a gateway's memory of keys.
import { afterAll } from '@jest/globals';
import type { Pool, PoolClient } from 'pg';
import { ApiKeyCache } from '../../../services/api-keys/api-key-cache.ts';
import { type ApiKey, apiKey, lockedApiKey } from '../../../services/api-keys/api-key-rows.ts';
import { createApiKey } from '../../../services/api-keys/api-keys.ts';
import { digestOf } from '../../../services/api-keys/credential.ts';
import { type KnownLeak, type Leak, reportLeak } from '../../../services/api-keys/leaks.ts';
import { endRotation, extendOverlap, rollApiKey, unfreezeApiKey } from '../../../services/api-keys/rolls.ts';
import type { Cap } from '../../../services/organizations/caps.ts';
import { lockOrganization } from '../../../services/organizations/organizations.ts';
import { createPool, inTransaction } from '../../../services/platform/postgres.ts';
import { payUrlOf } from '../../support/overdue.ts';
import { ownDatabase } from '../../support/own-database.ts';
import type { ThrowawayDatabase } from '../../support/throwaway-postgres.ts';
import { newMember, newOrganization } from '../notifications/organization.ts';

export async function openKeyShop(): Promise<KeyShop> {
  const { database, admin } = await ownDatabase();
  const settings = { name: 'keys', maxConnections: 6, statementTimeoutMs: 10_000 };
  const db = createPool(database.urlFor('worker'), settings);
  const gatewayDb = createPool(database.urlFor('gateway'), settings);
  afterAll(() => Promise.all([db.end(), gatewayDb.end()]));
  await admin.query(`
    create table stopped_clock (at timestamptz not null);
    insert into stopped_clock values ('2027-01-01T00:00:00Z');
    grant select on stopped_clock to public;
    create or replace function billing_now() returns timestamptz language sql stable as 'select at from stopped_clock'`);
  return new KeyShop({ database, admin, db, gatewayDb });
}

interface ShopParts {
  readonly database: ThrowawayDatabase;
  readonly admin: Pool;
  readonly db: Pool;
  readonly gatewayDb: Pool;
}

interface Wish {
  readonly isMembers?: boolean;
  readonly caps?: readonly Cap[];
}

export interface Made {
  readonly apiKeyId: string;
  readonly orgId: string;
  readonly credential: string;
}

const SETTINGS = {
  ...{ name: 'production', allowedModels: null, allowedAddresses: null, expiresAt: null },
  ...{ requestsPerMinute: null, tokensPerMinute: null, concurrentRequests: null, projectId: undefined },
};

export class KeyShop implements ShopParts {
  readonly database: ThrowawayDatabase;
  readonly admin: Pool;
  readonly db: Pool;
  readonly gatewayDb: Pool;

  constructor({ database, admin, db, gatewayDb }: ShopParts) {
    this.database = database;
    this.admin = admin;
    this.db = db;
    this.gatewayDb = gatewayDb;
  }

  in<T>(work: (tx: PoolClient) => Promise<T>): Promise<T> {
    return inTransaction(this.db, work);
  }

  async pass(span: string): Promise<void> {
    await this.admin.query('update stopped_clock set at = at + $1::interval', [span]);
  }

  /** Of an organization with an owner. */
  async apiKey({ isMembers = false, caps = [] }: Wish = {}): Promise<Made> {
    const orgId = await newOrganization(this.admin);
    await newMember(this.admin, orgId, { email: `owner-${orgId}@example.com` });
    const memberId = isMembers
      ? await newMember(this.admin, orgId, { email: `dev-${orgId}@example.com`, role: 'developer' })
      : null;
    const wanted = { ...SETTINGS, orgId, memberId, caps };
    const { apiKey: made, credential } = await this.in((tx) => createApiKey(tx, wanted));
    return { apiKeyId: made.id, orgId, credential };
  }

  look({ apiKeyId }: Made): Promise<ApiKey> {
    return apiKey(this.db, apiKeyId);
  }

  /** The new credential. */
  async roll(made: Made, overlapHours: number): Promise<string> {
    return (await this.#changed(made, (tx, held) => rollApiKey(tx, held, overlapHours))).credential;
  }

  extend(made: Made, overlapHours: number): Promise<ApiKey> {
    return this.#changed(made, (tx, held) => extendOverlap(tx, held, overlapHours));
  }

  end(made: Made, keep: 'new' | 'old'): Promise<ApiKey> {
    return this.#changed(made, (tx, held) => endRotation(tx, held, keep));
  }

  unfreeze(made: Made): Promise<ApiKey> {
    return this.#changed(made, unfreezeApiKey);
  }

  report(leak: Partial<Leak> & Pick<Leak, 'credential'>, reportedBy = 'person:1'): Promise<KnownLeak | null> {
    return this.in((tx) => reportLeak(tx, { url: null, source: null, ...leak }, reportedBy));
  }

  /** What a gateway would find by it now. */
  async known(credential: string): Promise<string> {
    const entry = await new ApiKeyCache(this.gatewayDb, () => 0, payUrlOf).load(digestOf(credential));
    if (entry === 'unknown') return 'unknown';
    const { rows } = await this.admin.query<{ nowMs: number }>(
      'select extract(epoch from at)::float8 * 1000 as "nowMs" from stopped_clock',
    );
    if (entry.disabled !== null) return entry.disabled;
    if (entry.replaced === null) return 'works';
    return !entry.replaced.hasEnded && entry.replaced.untilMs > (rows[0]?.nowMs ?? 0) ? 'works still' : 'ended';
  }

  async usedNow(made: Made, address = '198.51.100.7'): Promise<void> {
    await this.admin.query(
      'update api_key_rotations set used_at = billing_now(), used_from = $2 where api_key_id = $1 and ended_at is null',
      [made.apiKeyId, address],
    );
  }

  async rotationOf(made: Made): Promise<string> {
    const { rows } = await this.admin.query<{ id: string }>(
      'select id from api_key_rotations where api_key_id = $1 order by started_at desc, id desc limit 1',
      [made.apiKeyId],
    );
    return rows[0]?.id ?? '';
  }

  /** Kind and recipient, oldest first. */
  async told({ orgId }: Made): Promise<string[]> {
    const { rows } = await this.admin.query<{ kind: string; recipient: string }>(
      'select kind, recipient from notifications where org_id = $1 order by queued_at, recipient',
      [orgId],
    );
    return rows.map(({ kind, recipient }) => `${kind} ${recipient.replace(/-.*/, '')}`);
  }

  #changed<T>(made: Made, change: (tx: PoolClient, held: ApiKey) => Promise<T>): Promise<T> {
    return this.in(async (tx) => {
      await lockOrganization(tx, made.orgId);
      return change(tx, await lockedApiKey(tx, made.apiKeyId));
    });
  }
}
