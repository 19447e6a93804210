// A key works from an address that stands in every list there is: its own, that of its project, that of its organization. Who is refused is told
// which of them it was.
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { authenticate } from '../../../api/proxy/authenticate.ts';
import type { TollgateError } from '../../../domain/errors.ts';
import { AddressList } from '../../../services/api-keys/address-list.ts';
import { ApiKeyCache } from '../../../services/api-keys/api-key-cache.ts';
import { newCredential } from '../../../services/api-keys/credential.ts';
import { ReplacedCredentials } from '../../../services/api-keys/replaced-credentials.ts';
import { createLog } from '../../../services/platform/log.ts';
import { createPool } from '../../../services/platform/postgres.ts';
import { payUrlOf } from '../../support/overdue.ts';
import { startThrowawayPostgres, type ThrowawayPostgres } from '../../support/throwaway-postgres.ts';
import { type Customer, newApiKey, newCustomer } from './customers.ts';

const CALLER = '10.1.2.3';
const WITH_HIM = '{192.0.2.7,10.0.0.0/8}';
const WITHOUT_HIM = '{10.2.0.0/16,2001:db8::/32}';

let server: ThrowawayPostgres;
let staff: Pool;
let cache: ApiKeyCache;

beforeAll(async () => {
  server = await startThrowawayPostgres();
  const database = await server.createDatabase();
  const settings = { name: 'lists test', maxConnections: 2, statementTimeoutMs: 1_000 };
  staff = createPool(database.url, settings);
  cache = new ApiKeyCache(staff, () => 0, payUrlOf);
});
afterAll(async () => {
  await staff.end();
  await server.stop();
});

interface Lists {
  readonly key: string | null;
  readonly project: string | null;
  readonly organization: string | null;
}

async function keyUnder({ key, project, organization }: Lists): Promise<string> {
  const { orgId, projectId }: Customer = await newCustomer(staff);
  const { credential, digest, prefix, lastFour } = newCredential();
  await staff.query(
    `insert into api_keys (org_id, project_id, name, digest, prefix, last_four, allowed_addresses) values ($1, $2, 'ci', $3, $4, $5, $6)`,
    [orgId, projectId, digest, prefix, lastFour, key],
  );
  await staff.query('update projects set allowed_addresses = $2 where id = $1', [projectId, project]);
  await staff.query('update organizations set allowed_addresses = $2 where id = $1', [orgId, organization]);
  return credential;
}

function call(credential: string): IncomingMessage {
  const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: CALLER });
  const req = new IncomingMessage(socket);
  req.headers = { authorization: `Bearer ${credential}` };
  return req;
}

/** In which list's words, null: let in. */
async function refusalOf(lists: Lists): Promise<string | null> {
  const replacedCredentials = new ReplacedCredentials(staff, createLog({ name: 'test', level: 'silent' }));
  const parts = { apiKeys: cache, replacedCredentials, trustedProxies: new AddressList([]), timeMs: () => 0 };
  try {
    await authenticate(parts, call(await keyUnder(lists)));
    return null;
  } catch (error) {
    const { code, message } = error as TollgateError;
    return `${code}: ${/add the address to (.*)\.$/.exec(message)?.[1]}`;
  }
}

const CHOICES = [null, WITH_HIM, WITHOUT_HIM];
const EVERY_CASE = CHOICES.flatMap((ofKey) =>
  CHOICES.flatMap((project) => CHOICES.map((organization) => ({ key: ofKey, project, organization }))),
);

test('of all lists that a key may have, one without the caller refuses him, and nothing else does', async () => {
  for (const lists of EVERY_CASE) {
    const isRefused = Object.values(lists).includes(WITHOUT_HIM);
    expect([lists, (await refusalOf(lists)) !== null]).toEqual([lists, isRefused]);
  }
});

test.each([
  ['key', "ip_not_allowed: the key's own list"],
  ['project', "ip_not_allowed: the list of the key's project (its sub-account)"],
  ['organization', 'ip_not_allowed: the list that holds for all API keys of your organization'],
])('who is refused by the list of the %s is told where his address has to be added', async (owner, told) => {
  const lists = { key: WITH_HIM, project: WITH_HIM, organization: WITH_HIM, [owner]: WITHOUT_HIM };

  expect(await refusalOf(lists)).toBe(told);
});

test('keys of one organization hold its list once, however many they are', async () => {
  const customer = await newCustomer(staff);
  await staff.query('update organizations set allowed_addresses = $2 where id = $1', [customer.orgId, WITH_HIM]);
  const lists = [];
  for (const { digest } of [await newApiKey(staff, customer), await newApiKey(staff, customer)]) {
    const entry = await cache.load(digest);
    if (entry !== 'unknown') lists.push(entry.addressLists?.[0]?.addresses);
  }

  expect(lists).toHaveLength(2);
  expect(lists[0]).toBeInstanceOf(AddressList);
  expect(lists[0]).toBe(lists[1]);
});

test('a change of a project is asked for anew for its keys, and for no others', async () => {
  const [one, other] = [await newCustomer(staff), await newCustomer(staff)];
  const [changed, untouched] = [await newApiKey(staff, one), await newApiKey(staff, other)];
  for (const { digest } of [changed, untouched]) await cache.load(digest);

  cache.forget('project', one.projectId);

  expect(cache.cached(changed.digest)).toBeUndefined();
  expect(cache.cached(untouched.digest)).toMatchObject({ id: untouched.id });
});
