// The data of a first start, made through the management API as a member of staff would make it. A second start finds it again:
// every step looks before it makes, and the customer's key, which is shown only once, is kept by the launcher.
import { type ListPrices, listPrices, sourceOf } from './list-prices.ts';
import { Staff } from './staff.ts';

const FIRST_GRANT_NANO = '25000000000';
export const DEMO_CUSTOMER = 'Demo customer';

export interface SeedPlace {
  /** http://127.0.0.1:8080 */
  readonly api: string;
  readonly adminToken: string;
  readonly demoProvider: string;
  /** Of an earlier start; null: there was none. */
  readonly customerKey?: string | null;
}

const demo = listPrices('demo');
const upstream = listPrices('upstream');

/** demo-chat under a name whose first channel always fails: every request for it shows a failover. */
const FLAKY = 'demo-flaky';

const demoModels = demo.models.flatMap((listed) =>
  listed.id === 'demo-chat' ? [listed, { ...listed, id: FLAKY, displayName: 'Demo Flaky' }] : [listed],
);

export async function seed(place: SeedPlace): Promise<{ customerKey: string; models: string[] }> {
  const staff = new Staff(place);
  await sellModels(staff, { ...demo, models: demoModels });
  await sellModels(staff, upstream);
  await openChannels(staff, place.demoProvider);
  const models = [...demo.models.map(({ id }) => id), FLAKY];
  const { customerKey = null } = place;
  if (customerKey !== null && (await works(place, customerKey))) return { customerKey, models };
  return { customerKey: await newCustomer(staff), models };
}

/** A model of a real provider has its prices ready, and is neither listed nor sold before somebody opens a channel for it (D10). */
async function sellModels(staff: Staff, prices: ListPrices): Promise<void> {
  const known = new Set((await staff.list('/models')).map(({ id }) => id));
  for (const listed of prices.models) {
    if (!known.has(listed.id)) await staff.post('/models', { ...listed, source: sourceOf(prices) });
  }
}

/** Two channels at one provider: what the first fails at, the second may answer. The third always fails and is asked first. */
async function openChannels(staff: Staff, demoProvider: string): Promise<void> {
  const models = demo.models.map(({ id }) => id);
  const flaky = { id: FLAKY, upstreamModel: 'demo-chat' };
  const wanted = [
    { name: 'demo-a', weight: 3, keys: ['demo-a-1', 'demo-a-2'], models },
    { name: 'demo-b', weight: 1, keys: ['demo-b-1'], models: [...models, flaky] },
    { name: 'demo-flaky', weight: 10_000, keys: ['demo-flaky~status=503'], models: [flaky] },
  ];
  const known = new Map((await staff.list('/channels')).map((channel) => [channel.name, channel]));
  const baseUrl = `${demoProvider}/v1`;
  for (const channel of wanted) {
    const before = known.get(channel.name);
    if (before === undefined) {
      const always = { provider: 'demo', baseUrl, priority: 1, allowLocal: true, usageExport: 'demo' };
      await staff.post('/channels', { ...channel, ...always });
    } else if (before.baseUrl !== baseUrl) {
      // The demo provider came up on another port than last time: its keys are bound to the old one.
      await staff.patch(`/channels/${before.id}`, { baseUrl, keys: channel.keys });
    }
  }
}

async function newCustomer(staff: Staff): Promise<string> {
  const organizations = await staff.list('/organizations');
  const known = organizations.find(({ name }) => name === DEMO_CUSTOMER);
  const { id: orgId } = known ?? (await staff.post('/organizations', { name: DEMO_CUSTOMER, rateTier: 'high' }));
  // Looked for on its own: a start that was interrupted may have made the customer and not its credit.
  if ((await staff.list(`/grants?orgId=${orgId}`)).length === 0) {
    await staff.post('/grants', { orgId, amountNano: FIRST_GRANT_NANO, note: 'first start' });
  }
  const { credential } = await staff.post('/api-keys', { orgId, name: 'first key' });
  if (typeof credential !== 'string') throw new Error('the management API made an API key and did not show it');
  return credential;
}

async function works({ api }: SeedPlace, customerKey: string): Promise<boolean> {
  const answer = await fetch(`${api}/v1/key`, { headers: { authorization: `Bearer ${customerKey}` } });
  await answer.arrayBuffer();
  return answer.status === 200;
}
