// Whom the small world is about: one organization with a project, a key, caps and grants, and one model from one channel.
import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import type { Capture } from './facts.ts';

export const MODEL = 'demo-chat';

export interface Ids {
  readonly org: string;
  readonly project: string;
  readonly apiKey: string;
  readonly channel: string;
  readonly selling: string;
  readonly cost: string;
}

export async function found(db: Client, capNano: bigint): Promise<Ids> {
  const ids = {
    org: randomUUID(),
    project: randomUUID(),
    apiKey: randomUUID(),
    channel: randomUUID(),
    selling: randomUUID(),
    cost: randomUUID(),
  };
  await newHolder(db, ids, 'Small world', 'ab');
  await db.query(
    `insert into caps (org_id, scope, scope_id, period, amount_nano)
       values ($1, 'api_key', $2, 'total', $4), ($1, 'project', $3, 'day', $4)`,
    [ids.org, ids.apiKey, ids.project, capNano],
  );
  await db.query(
    `insert into models (id, display_name, owned_by, kind, context_tokens, max_output_tokens, bytes_per_token)
       values ($1, 'Demo Chat', 'demo', 'chat', 200000, 32000, 4)`,
    [MODEL],
  );
  await db.query(
    `insert into channels (id, name, provider, base_url, usage_export) values ($1, 'demo', 'demo', 'http://demo', 'demo')`,
    [ids.channel],
  );
  for (const [id, side] of [
    [ids.selling, 'selling'],
    [ids.cost, 'cost'],
  ] as const) {
    await db.query(
      `insert into price_versions (id, model_id, side, price, effective_at, source, created_by)
         values ($1, $2, $3, '{}', now() - interval '1 day', 'seed', 'test')`,
      [id, MODEL, side],
    );
  }
  await grant(db, ids, 30_000_000n, '10 minutes');
  await grant(db, ids, 40_000_000n, null);
  return ids;
}

export async function grant(
  db: Client,
  ids: Pick<Ids, 'org'>,
  amount: bigint,
  life: string | null,
  source = 'trial',
): Promise<void> {
  await db.query(
    `select issue_grant(gen_random_uuid(), $1, $4, 10::smallint, $2, 0, now() + $3::interval, null, 'test')`,
    [ids.org, amount, life, source],
  );
}

/** With included credit, and a little that was bought. */
export async function newDebtor(db: Client): Promise<Pick<Ids, 'org' | 'project' | 'apiKey'>> {
  const debtor = { org: randomUUID(), project: randomUUID(), apiKey: randomUUID() };
  await newHolder(db, debtor, 'Debtor', 'cd');
  await grant(db, debtor, 300_000_000n, '20 days', 'included');
  await grant(db, debtor, 3_000_000n, null, 'pack');
  return debtor;
}

/** With a little of its included credit left, and a pack. */
export async function newTeam(db: Client): Promise<Pick<Ids, 'org' | 'project' | 'apiKey'>> {
  const team = { org: randomUUID(), project: randomUUID(), apiKey: randomUUID() };
  await newHolder(db, team, 'Team', 'ef');
  await db.query(`update organizations set plan_version_id = 'team-1' where id = $1`, [team.org]);
  await grant(db, team, 3_000_001n, '20 days', 'included');
  await grant(db, team, 300_000_000n, null, 'pack');
  return team;
}

/** Of an enterprise that pays eight tenths of list price; it alone pays seven. */
export async function newSubAccount(db: Client): Promise<Pick<Ids, 'org' | 'project' | 'apiKey'>> {
  const account = { org: randomUUID(), project: randomUUID(), apiKey: randomUUID() };
  await newHolder(db, account, 'Enterprise', '12');
  await db.query(
    `insert into plan_versions values ('enterprise-small', 'enterprise', now(), 0, 0, null, 'all', 800000, 'very_high')`,
  );
  await db.query(`update organizations set plan_version_id = 'enterprise-small' where id = $1`, [account.org]);
  await db.query('update projects set price_of_list_ppm = 700000 where id = $1', [account.project]);
  await grant(db, account, 300_000_000n, null, 'pack');
  return account;
}

async function newHolder(
  db: Client,
  { org, project, apiKey }: Pick<Ids, 'org' | 'project' | 'apiKey'>,
  name: string,
  digestByte: string,
): Promise<void> {
  await db.query('insert into organizations (id, name) values ($1, $2)', [org, name]);
  await db.query(`insert into projects (id, org_id, name) values ($1, $2, 'main')`, [project, org]);
  await db.query(
    `insert into api_keys (id, org_id, project_id, name, digest, prefix, last_four)
       values ($1, $2, $3, 'only', decode(repeat($4, 32), 'hex'), 'sk-tg-', 'last')`,
    [apiKey, org, project, digestByte],
  );
}

export async function putUnder(db: Client, { org }: Pick<Ids, 'org'>, stage: string): Promise<void> {
  await db.query(
    'update organizations set overdue_stage = $2, enforcement_seq = enforcement_seq + 1 where id = $1 and overdue_stage <> $2',
    [org, stage],
  );
}

/** $50 for $55 of credit, and what Stripe has of it. */
export async function buyPack(db: Client, ids: Ids): Promise<ReadonlyMap<string, Capture>> {
  const [payment, intent] = [randomUUID(), 'pi_small_world'];
  await db.query(
    `insert into payments (id, org_id, purpose, pack, amount_cents, credit_nano, bonus_nano, requested_by)
       values ($1, $2, 'pack', 'pack_50', 5000, 50000000000, 5000000000, 'test')`,
    [payment, ids.org],
  );
  await db.query(`select record_payment($1, $2, 5000, 'usd', 'test')`, [payment, intent]);
  return new Map([[intent, { capturedCents: 5_000, refundedCents: 0 }]]);
}
