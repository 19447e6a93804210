// The data of a first start, made through the management API as a member of staff would make it. A second start finds it again:
// every step looks before it makes, and the customer's key, which is shown only once, is kept by the launcher.
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const FIRST_GRANT_NANO = '25000000000';
const DEMO_CUSTOMER = 'Demo customer';

export interface SeedPlace {
  /** http://127.0.0.1:8080 */
  readonly api: string;
  readonly adminToken: string;
  readonly demoProvider: string;
  /** Of an earlier start; null: there was none. */
  readonly customerKey: string | null;
}

const ListPrices = z.object({
  source: z.string(),
  recordedOn: z.string(),
  models: z.array(
    z.object({
      id: z.string(),
      displayName: z.string(),
      kind: z.enum(['chat', 'embedding']),
      bytesPerToken: z.int(),
      contextTokens: z.int(),
      maxOutputTokens: z.int(),
      costMicroUsdPerMillion: z.record(z.string(), z.int()),
      multiplierPpm: z.int(),
    }),
  ),
});
const listPrices = ListPrices.parse(
  JSON.parse(readFileSync(new URL('../services/pricing/list-prices.json', import.meta.url), 'utf8')),
);

export async function seed(place: SeedPlace): Promise<{ customerKey: string; models: string[] }> {
  const staff = new Staff(place);
  await sellModels(staff);
  await openChannels(staff, place.demoProvider);
  const models = listPrices.models.map(({ id }) => id);
  if (place.customerKey !== null && (await works(place, place.customerKey)))
    return { customerKey: place.customerKey, models };
  return { customerKey: await newCustomer(staff), models };
}

async function sellModels(staff: Staff): Promise<void> {
  const known = new Set((await staff.list('/models')).map(({ id }) => id));
  for (const { costMicroUsdPerMillion, ...model } of listPrices.models) {
    if (known.has(model.id)) continue;
    const costPrice = { tiers: [{ aboveInputTokens: 0, microUsdPerMillion: costMicroUsdPerMillion }] };
    const source = `${listPrices.source}, recorded on ${listPrices.recordedOn}`;
    await staff.post('/models', { ...model, ownedBy: 'demo', costPrice, source });
  }
}

/** Two channels at one provider: what the first fails at, the second may answer. */
async function openChannels(staff: Staff, demoProvider: string): Promise<void> {
  const wanted = [
    { name: 'demo-a', weight: 3, keys: ['demo-a-1', 'demo-a-2'] },
    { name: 'demo-b', weight: 1, keys: ['demo-b-1'] },
  ];
  const channels = await staff.list('/channels');
  for (const { name, weight, keys } of wanted) {
    const baseUrl = `${demoProvider}/v1`;
    const known = channels.find((channel) => channel.name === name);
    if (known === undefined) {
      const models = listPrices.models.map(({ id }) => id);
      await staff.post('/channels', {
        name,
        provider: 'demo',
        baseUrl,
        keys,
        models,
        weight,
        allowLocal: true,
        usageExport: 'demo',
      });
    } else if (known.baseUrl !== baseUrl) {
      // The demo provider came up on another port than last time.
      await staff.patch(`/channels/${known.id}`, { baseUrl, keys });
    }
  }
}

async function newCustomer(staff: Staff): Promise<string> {
  const organizations = await staff.list('/organizations');
  const known = organizations.find(({ name }) => name === DEMO_CUSTOMER);
  const organization = known ?? (await staff.post('/organizations', { name: DEMO_CUSTOMER, rateTier: 'high' }));
  if (known === undefined) {
    await staff.post('/grants', { orgId: organization.id, amountNano: FIRST_GRANT_NANO, note: 'first start' });
  }
  const { credential } = await staff.post('/api-keys', { orgId: organization.id, name: 'first key' });
  if (typeof credential !== 'string') throw new Error('the management API made an API key and did not show it');
  return credential;
}

async function works({ api }: SeedPlace, customerKey: string): Promise<boolean> {
  const answer = await fetch(`${api}/v1/key`, { headers: { authorization: `Bearer ${customerKey}` } });
  await answer.arrayBuffer();
  return answer.status === 200;
}

const Thing = z.looseObject({ id: z.string(), name: z.string().optional(), baseUrl: z.string().optional() });
type Thing = z.infer<typeof Thing>;
const Page = z.object({ data: z.array(Thing), nextCursor: z.string().nullable() });

class Staff {
  readonly #api: string;
  readonly #headers: Record<string, string>;

  constructor({ api, adminToken }: SeedPlace) {
    this.#api = `${api}/api/v1`;
    this.#headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
  }

  async list(path: string): Promise<Thing[]> {
    const things: Thing[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: z.infer<typeof Page> = Page.parse(
        await this.#call('GET', `${path}?limit=200${cursor && `&cursor=${cursor}`}`),
      );
      things.push(...page.data);
      cursor = page.nextCursor;
    }
    return things;
  }

  async post(path: string, body: object): Promise<Thing> {
    return Thing.parse(await this.#call('POST', path, body));
  }

  async patch(path: string, body: object): Promise<Thing> {
    return Thing.parse(await this.#call('PATCH', path, body, { 'if-match': '*' }));
  }

  async #call(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<unknown> {
    const answer = await fetch(this.#api + path, {
      method,
      headers: { ...this.#headers, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${text.slice(0, 500)}`);
    return JSON.parse(text);
  }
}
