// Makes what the bench sells and who buys it, through the management API as staff would: 256 API keys in 64 organizations with more
// credit than they can spend and the highest rate tier, and as many keys again that nobody uses before they are measured cold.
import { z } from 'zod';
import { inParallel } from './in-parallel.ts';
import { MODEL_ID } from './requests.ts';

const ORGANIZATIONS = 64;
const API_KEYS = 256;
/** $1,000,000 each. */
const GRANT_NANO = '1000000000000000';

/** Micro-USD per million tokens; none is a whole number of nano-USD, so that every charge is rounded. */
export const SELLING_PRICE = { input: 2_750_003, cachedInput: 275_001, output: 11_000_009 } as const;
const COST_PRICE = { input: 2_000_000, cachedInput: 200_000, output: 8_000_000 } as const;

export interface Customers {
  readonly credentials: readonly string[];
  readonly coldCredentials: readonly string[];
}

export interface Staff {
  readonly api: string;
  readonly adminToken: string;
}

/** `providerPort`: where the upstream listens. */
export async function seed(staff: Staff, providerPort: number): Promise<Customers> {
  await post(staff, '/models', { id: MODEL_ID, costPrice: priceOf(COST_PRICE), price: priceOf(SELLING_PRICE) });
  await post(staff, '/channels', {
    provider: 'openai-compatible',
    baseUrl: `http://127.0.0.1:${providerPort}/v1`,
    keys: ['bench-provider-key'],
    models: [MODEL_ID],
    allowLocal: true,
    maxInFlight: 100_000,
  });
  const orgIds = await inParallel(ORGANIZATIONS, (at) => organization(staff, at));
  const apiKey = (at: number) => newCredential(staff, orgIds[at % ORGANIZATIONS] ?? '');
  return {
    credentials: await inParallel(API_KEYS, apiKey),
    coldCredentials: await inParallel(API_KEYS, apiKey),
  };
}

function priceOf(microUsdPerMillion: Readonly<Record<string, number>>) {
  return { tiers: [{ aboveInputTokens: 0, microUsdPerMillion }] };
}

async function organization(staff: Staff, at: number): Promise<string> {
  const { id } = await post(staff, '/organizations', { name: `Bench ${at}`, rateTier: 'very_high' });
  await post(staff, '/grants', { orgId: id, amountNano: GRANT_NANO });
  return id;
}

async function newCredential(staff: Staff, orgId: string): Promise<string> {
  const { credential } = await post(staff, '/api-keys', { orgId });
  if (credential === undefined) throw new Error('the management API made an API key and did not show it');
  return credential;
}

const Made = z.looseObject({ id: z.string(), credential: z.string().optional() });

async function post({ api, adminToken }: Staff, path: string, body: object): Promise<z.output<typeof Made>> {
  const answer = await fetch(`${api}/api/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`POST ${path} was answered ${answer.status}: ${text.slice(0, 500)}`);
  return Made.parse(JSON.parse(text));
}
