// Rotations over a real PostgreSQL and the demo provider: channels with a key, people who decide, customers whose attempts are rows as gateways leave them,
// and looks as the workflow takes them. The clock of billing stands still between two moves.
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import type { Pool } from 'pg';
import { decideRotation, type WantedDecision } from '../../../services/channel-key-rotation/decisions.ts';
import { type Rotation, rotation } from '../../../services/channel-key-rotation/rotation-rows.ts';
import type { RotationView } from '../../../services/channel-key-rotation/rotation-view.ts';
import { ChannelKeyRotations } from '../../../services/channel-key-rotation/rotations.ts';
import { startRotation } from '../../../services/channel-key-rotation/start.ts';
import { lockedChannel } from '../../../services/channels/channels.ts';
import { setAdminKey } from '../../../services/channels/provider-admin.ts';
import { Egress } from '../../../services/egress/egress.ts';
import { newId } from '../../../services/platform/ids.ts';
import { createPool, inTransaction } from '../../../services/platform/postgres.ts';
import { parseKeyring, Vault } from '../../../services/vault/vault.ts';
import { startDemoProvider } from '../../support/demo-provider/server.ts';
import { ownDatabase } from '../../support/own-database.ts';
import type { ThrowawayDatabase } from '../../support/throwaway-postgres.ts';
import { Catalogue } from '../channels/catalogue.ts';

export const ADMIN_KEY = 'demo-admin-of-this-desk';
const COST = { input: 1_000_000, output: 4_000_000 };
const author = { actor: 'person:ada', requestId: randomUUID() };

export interface Changed {
  readonly channelId: string;
  readonly slotId: string;
  /** Of the provider's account; nobody issued it there. */
  readonly oldSecret: string;
}

export interface KeyDesk {
  readonly db: Pool;
  readonly admin: Pool;
  readonly database: ThrowawayDatabase;
  readonly providerUrl: string;
  readonly vault: Vault;
  /** For a worker of another process. */
  readonly keyring: string;
  readonly rotations: ChannelKeyRotations;
  newChannel(more?: { readonly isManaged?: boolean }): Promise<Changed>;
  start(changed: Changed, more?: { readonly isEmergency?: boolean }): Promise<string>;
  decides(rotationId: string, wanted: WantedDecision): Promise<string>;
  find(rotationId: string): Promise<Rotation>;
  /** Looks until there is nothing to do at once. */
  look(changed: Changed): Promise<RotationView>;
  /** Of customers, with the key that the rotation has now. */
  attempts(rotationId: string, which: 'old' | 'new', count: number, failure?: Failure): Promise<void>;
  /** Names of the keys that the provider has. */
  keysAtProvider(): Promise<string[]>;
  /** By a worker that nobody hears of any more. */
  makesKey(name: string): Promise<void>;
  /** Faults of a key, or of all whose value begins so. */
  fault(keyPrefix: string, spec: string | null): Promise<void>;
  withdraw(secret: string): Promise<void>;
  later(ms: number): Promise<void>;
}

export interface Failure {
  readonly failureClass: string;
  readonly status: number;
}

export const REFUSED: Failure = { failureClass: 'dead_key', status: 401 };
export const OVERLOADED: Failure = { failureClass: 'overloaded', status: 503 };

export async function openKeyDesk(): Promise<KeyDesk> {
  const { database, admin } = await ownDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'key-desk-'));
  const provider = await startDemoProvider({ port: 0, dataDir: folder });
  const db = createPool(database.urlFor('worker'), { name: 'desk', maxConnections: 8, statementTimeoutMs: 10_000 });
  const keyring = JSON.stringify({ current: 1, keys: { 1: randomBytes(32).toString('base64') } });
  const vault = new Vault(parseKeyring('Master', keyring));
  const egress = new Egress();
  afterAll(async () => {
    await egress.close();
    await db.end();
    await provider.close();
    rmSync(folder, { recursive: true });
  });
  await stopTheClock(admin);
  const catalogue = new Catalogue(admin, vault);
  await catalogue.addModel('demo-chat');
  await catalogue.addPrice('demo-chat', 'selling', COST, { effectiveInMs: -400 * 86_400_000 });
  await catalogue.addPrice('demo-chat', 'cost', COST, { effectiveInMs: -400 * 86_400_000 });
  const parts = { db, vault, egress };
  return newDesk({ ...parts, admin, database, providerUrl: provider.url, keyring, catalogue });
}

interface DeskParts {
  readonly db: Pool;
  readonly admin: Pool;
  readonly database: ThrowawayDatabase;
  readonly vault: Vault;
  readonly egress: Egress;
  readonly providerUrl: string;
  readonly keyring: string;
  readonly catalogue: Catalogue;
}

function newDesk({ db, admin, database, vault, egress, providerUrl, keyring, catalogue }: DeskParts): KeyDesk {
  const rotations = new ChannelKeyRotations({ db, vault, egress });
  const baseUrl = `${providerUrl}/v1`;
  const asked = async (path: string, body: object): Promise<void> => {
    await fetch(`${providerUrl}${path}`, { method: 'POST', body: JSON.stringify(body) });
  };
  return {
    ...{ db, admin, database, providerUrl, vault, keyring, rotations },
    async newChannel({ isManaged = true } = {}) {
      const oldSecret = `demo-of-${randomUUID()}`;
      const channelId = await catalogue.addChannel({ name: 'demo', baseUrl, provider: 'demo' });
      await admin.query('update channels set allow_local = true where id = $1', [channelId]);
      const slotId = await catalogue.addKey(channelId, baseUrl, oldSecret);
      await catalogue.addRoute(channelId, 'demo-chat', 'demo-chat');
      if (isManaged) {
        await inTransaction(db, async (tx) => setAdminKey(tx, vault, await lockedChannel(tx, channelId), ADMIN_KEY));
      }
      return { channelId, slotId, oldSecret };
    },
    start: ({ channelId, slotId }, { isEmergency = false } = {}) =>
      inTransaction(db, async (tx) => {
        const wanted = { channelId, slotId, isEmergency, reason: 'it is old' };
        return (await startRotation(tx, wanted, author)).rotation.id;
      }),
    decides: (rotationId, wanted) =>
      inTransaction(db, async (tx) => (await decideRotation(tx, vault, rotationId, wanted, author)).decisionId),
    find: (rotationId) => rotation(db, rotationId),
    async look({ slotId }) {
      let view = await rotations.tick(slotId);
      while (view.goesOn) view = await rotations.tick(slotId);
      return view;
    },
    async attempts(rotationId, which, count, failure) {
      const { oldKeyId, newKeyId, channelId } = await rotation(db, rotationId);
      await admin.query(
        `insert into attempts (request_id, n, org_id, channel_id, channel_key_id, model_id, upstream_model, outcome, failure_class, status, sent_at)
         select id, 1, gen_random_uuid(), $2, $3, 'demo-chat', 'demo-chat', $4, $5, $6, clock_timestamp() from unnest($1::uuid[]) id`,
        [
          Array.from({ length: count }, newId),
          ...[channelId, which === 'old' ? oldKeyId : newKeyId, failure === undefined ? 'won' : 'failed_over'],
          ...[failure?.failureClass ?? null, failure?.status ?? 200],
        ],
      );
    },
    async makesKey(name) {
      const headers = { authorization: `Bearer ${ADMIN_KEY}` };
      await fetch(`${providerUrl}/admin/v1/api-keys`, { method: 'POST', headers, body: JSON.stringify({ name }) });
    },
    async keysAtProvider() {
      const headers = { authorization: `Bearer ${ADMIN_KEY}` };
      const answer = await fetch(`${providerUrl}/admin/v1/api-keys`, { headers });
      const { data } = (await answer.json()) as { data: { name: string }[] };
      return data.map(({ name }) => name);
    },
    fault: (keyPrefix, spec) => asked('/_demo/faults', { keyPrefix, spec }),
    withdraw: (secret) => asked('/_demo/withdrawals', { key: secret }),
    async later(ms) {
      await admin.query(`update stopped_clock set at = at + $1 * interval '1 millisecond'`, [ms]);
    },
  };
}

async function stopTheClock(admin: Pool): Promise<void> {
  await admin.query(`
    create table stopped_clock (at timestamptz not null);
    insert into stopped_clock values (date_trunc('second', clock_timestamp()));
    grant select on stopped_clock to public;
    create or replace function billing_now() returns timestamptz language sql stable as 'select at from stopped_clock';
    create or replace function billing_moment() returns timestamptz language sql stable as 'select at from stopped_clock'`);
}
