// Who buys at a site, and what. One model `std`: $2.50 and $10.00 a million tokens, at a cost of $2.00 and $8.00; cached input
// costs what input costs, so the price of an answer follows from its lengths.
import type { Site } from './site.ts';

export interface Customer {
  readonly orgId: string;
  readonly projectId: string;
  readonly apiKeyId: string;
  readonly credential: string;
}

type Fields = Readonly<Record<string, unknown>>;

export async function manage(site: Site, method: string, path: string, body?: object): Promise<Fields> {
  const answer = await fetch(`${site.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${site.adminToken}`, 'content-type': 'application/json', 'if-match': '*' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text) as Fields;
}

const COST = { input: 2_000_000, cachedInput: 2_000_000, output: 8_000_000 };
const PRICE = { input: 2_500_000, cachedInput: 2_500_000, output: 10_000_000 };

export interface Stock {
  /** What the upstream takes; the figures of billing.md 5 know one price for both sides. */
  readonly costMicroUsdPerMillion?: typeof COST;
  readonly onDisconnect?: 'cancel_stops_billing' | 'drain';
}

/** The model std over one channel to the demo provider. */
export async function stock(
  site: Site,
  { costMicroUsdPerMillion = COST, onDisconnect = 'cancel_stops_billing' }: Stock = {},
): Promise<void> {
  const priced = (microUsdPerMillion: typeof COST) => ({ tiers: [{ aboveInputTokens: 0, microUsdPerMillion }] });
  await manage(site, 'POST', '/models', {
    id: 'std',
    maxOutputTokens: 32_000,
    price: priced(PRICE),
  });
  await manage(site, 'POST', '/models/std/prices', {
    ...{ side: 'cost', price: priced(costMicroUsdPerMillion) },
    ...{ belowMargin: true, reason: 'the money table has one price for both sides' },
  });
  await manage(site, 'POST', '/channels', {
    name: 'demo',
    provider: 'demo',
    baseUrl: `${site.demo.url}/v1`,
    allowLocal: true,
    usageExport: 'demo',
    onDisconnect,
    keys: ['demo-key-1'],
    models: [{ id: 'std', upstreamModel: 'demo-chat' }],
  });
}

export interface CustomerWish {
  readonly usd: string;
  readonly caps?: Readonly<Partial<Record<'organization' | 'project' | 'apiKey', string>>>;
}

export async function newCustomer(site: Site, { usd, caps = {} }: CustomerWish): Promise<Customer> {
  const total = (amount: string | undefined) =>
    amount === undefined ? {} : { caps: [{ period: 'total', amountNano: nanoOf(amount) }] };
  const organization = await manage(site, 'POST', '/organizations', {
    name: 'customer',
    rateTier: 'high',
    ...total(caps.organization),
  });
  const orgId = String(organization.id);
  const project = await manage(site, 'POST', '/projects', { orgId, name: 'work', ...total(caps.project) });
  if (usd !== '0') await manage(site, 'POST', '/grants', { orgId, amountNano: nanoOf(usd) });
  const apiKey = await newApiKey(site, orgId, String(project.id), total(caps.apiKey));
  return { orgId, projectId: String(project.id), ...apiKey };
}

export async function newApiKey(
  site: Site,
  orgId: string,
  projectId: string,
  settings: object = {},
): Promise<Pick<Customer, 'apiKeyId' | 'credential'>> {
  const made = await manage(site, 'POST', '/api-keys', { orgId, projectId, ...settings });
  return { apiKeyId: String(made.id), credential: String(made.credential) };
}

/** '0.008755' -> '8755000' */
function nanoOf(usd: string): string {
  const [whole = '0', fraction = ''] = usd.split('.');
  return String(BigInt(whole + fraction.padEnd(9, '0')));
}
