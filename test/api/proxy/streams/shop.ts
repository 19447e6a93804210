// What is sold and to whom, at prices that are easy to reckon with, and the last question of every test that spends money: are
// the books closed?
import { expect } from '@jest/globals';
import { verifyLedger } from '../../../../services/ledger/verifier.ts';
import { type Customer as BareCustomer, oneRow } from '../../../support/bare-gateway.ts';
import { until } from '../../../support/until.ts';
import type { Gateway } from './gateway.ts';

/** A token of input and of output, in nano-USD: sold, and bought for half of it. */
export const INPUT_NANO = 2_000n;
export const OUTPUT_NANO = 10_000n;
/** What a stream of a customer without history reserves at first, and each step that it grows by. */
export const STEP_TOKENS = 1_000;
export const BYTES_PER_TOKEN = 4;

const priceOf = (input: number, output: number) => ({ tiers: [{ microUsdPerMillion: { input, output } }] });

export interface ChannelWish {
  readonly baseUrl: string;
  readonly onDisconnect?: 'cancel_stops_billing' | 'drain';
  readonly priority?: number;
  readonly usageExport?: 'demo';
  readonly provider?: 'openai' | 'demo';
}

export interface Sold {
  readonly modelId: string;
  readonly channelIds: readonly string[];
}

let models = 0;

/** A model of its own for a test, on these channels; upstream it is always called demo-chat. */
export function sell(gateway: Gateway, ...wishes: readonly ChannelWish[]): Promise<Sold> {
  return sellModel(gateway, 'chat', wishes);
}

export function sellEmbeddings(gateway: Gateway, wish: ChannelWish): Promise<Sold> {
  return sellModel(gateway, 'embedding', [wish]);
}

async function sellModel(gateway: Gateway, kind: 'chat' | 'embedding', wishes: readonly ChannelWish[]): Promise<Sold> {
  models += 1;
  const modelId = `model-${models}`;
  await gateway.manage('POST', '/models', {
    id: modelId,
    kind,
    bytesPerToken: BYTES_PER_TOKEN,
    price: priceOf(Number(INPUT_NANO) * 1_000, Number(OUTPUT_NANO) * 1_000),
    costPrice: priceOf(Number(INPUT_NANO) * 500, Number(OUTPUT_NANO) * 500),
  });
  const channelIds: string[] = [];
  for (const wish of wishes) {
    const made = await gateway.manage('POST', '/channels', {
      ...{
        name: `${modelId}-${channelIds.length}`,
        provider: 'demo',
        allowLocal: true,
        keys: [`demo-key-of-${modelId}`],
      },
      ...wish,
      models: [{ id: modelId, upstreamModel: 'demo-chat' }],
    });
    channelIds.push(String(made.id));
  }
  await gateway.reload();
  const { effective } = await oneRow<{ effective: Date }>(
    gateway.admin,
    `select max(effective_at) as effective from price_versions where model_id = $1`,
    [modelId],
  );
  await until(() => gateway.parts.timeMs() > effective.getTime());
  return { modelId, channelIds };
}

export interface Customer {
  readonly orgId: string;
  readonly key: string;
}

export async function newCustomer(gateway: Gateway, amountNano: bigint): Promise<Customer> {
  const { id: orgId } = await gateway.manage('POST', '/organizations', { name: 'a customer', rateTier: 'very_high' });
  if (amountNano > 0n) await gateway.manage('POST', '/grants', { orgId, amountNano: String(amountNano) });
  const { credential } = await gateway.manage('POST', '/api-keys', { orgId });
  return { orgId: String(orgId), key: String(credential) };
}

/** As a bare gateway knows the customer. */
export async function holderOf({ admin }: Pick<Gateway, 'admin'>, { orgId }: Customer): Promise<BareCustomer> {
  const { id, project } = await oneRow<{ id: string; project: string }>(
    admin,
    'select id, project_id as project from api_keys where org_id = $1',
    [orgId],
  );
  return { id, orgId, projectId: project, enforcementSeq: 0 };
}

export interface Receipt {
  readonly outcome: string;
  readonly source: string;
  readonly meters: Readonly<Record<string, number>>;
  readonly charge: bigint;
  readonly rated: bigint;
  readonly deliveredBytes: number;
  readonly attempts: readonly {
    readonly n: number;
    readonly outcome: string;
    readonly failureClass: string | null;
    readonly cost: bigint | null;
  }[];
}

/** Waits for the settlement: of a caller that left, nobody tells when it comes. */
export async function receiptOf({ admin }: Pick<Gateway, 'admin'>, requestId: string): Promise<Receipt> {
  const settled = 'select from usage_records where request_id = $1';
  await until(async () => (await admin.query(settled, [requestId])).rowCount === 1);
  const record = await oneRow<Record<'outcome' | 'source' | 'charge' | 'rated' | 'delivered', string>>(
    admin,
    `select outcome, usage_source as source, charge_nano as charge, rated_nano as rated, delivered_bytes as delivered
       from usage_records where request_id = $1`,
    [requestId],
  );
  const { meters } = await oneRow<Pick<Receipt, 'meters'>>(
    admin,
    'select meters from usage_records where request_id = $1',
    [requestId],
  );
  const { rows: attempts } = await admin.query<{
    n: number;
    outcome: string;
    failureClass: string | null;
    cost: string | null;
  }>(
    `select n, outcome, failure_class as "failureClass", cost_nano as cost from attempts where request_id = $1 order by n`,
    [requestId],
  );
  return {
    ...{ outcome: record.outcome, source: record.source, meters },
    charge: BigInt(record.charge),
    rated: BigInt(record.rated),
    deliveredBytes: Number(record.delivered),
    attempts: attempts.map((attempt) => ({ ...attempt, cost: attempt.cost === null ? null : BigInt(attempt.cost) })),
  };
}

export interface Books {
  readonly balance: bigint;
  readonly charged: bigint;
}

/**
 * Nothing is open, nothing is held, and the ledger says what the usage records say. Credit that rests in leases is called back
 * as another gateway would call it.
 */
export async function closedBooks(
  { admin, parts, attempts }: Pick<Gateway, 'admin' | 'parts' | 'attempts'>,
  { orgId }: Pick<Customer, 'orgId'>,
): Promise<Books> {
  await until(() => attempts.count === 0 && parts.leases.snapshot().reservedNano === 0n);
  await until(async () => {
    await admin.query(`select pg_notify('tollgate_config', 'recall:' || $1)`, [orgId]);
    return (await oneRow<{ open: string }>(admin, OPEN_LEASES)).open === '0';
  });
  const verification = await verifyLedger(admin);
  expect(verification.checks.filter(({ ok }) => !ok)).toEqual([]);
  const books = await oneRow<Record<'balance' | 'held' | 'granted' | 'charged', string>>(admin, BOOKS, [orgId]);
  expect(books.held).toBe('0');
  expect(BigInt(books.balance)).toBe(BigInt(books.granted) - BigInt(books.charged));
  return { balance: BigInt(books.balance), charged: BigInt(books.charged) };
}

const OPEN_LEASES = 'select count(*)::text as open from leases where closed_at is null';

const BOOKS = `
  select (select balance_nano from balance_of($1))::text as balance,
         (select reserved_nano + settling_nano from balance_of($1))::text as held,
         (select coalesce(sum(amount_nano), 0) from credit_grants where org_id = $1)::text as granted,
         (select coalesce(sum(charge_nano), 0) from usage_records where org_id = $1)::text as charged`;

/** The charge of an answer that no provider stated the usage of. */
export function estimatedCharge(inputTokens: number, deliveredBytes: number): bigint {
  return BigInt(inputTokens) * INPUT_NANO + BigInt(Math.ceil(deliveredBytes / BYTES_PER_TOKEN)) * OUTPUT_NANO;
}

export function charge(inputTokens: number, outputTokens: number): bigint {
  return BigInt(inputTokens) * INPUT_NANO + BigInt(outputTokens) * OUTPUT_NANO;
}
