// A key that is rolled stays the key that it was, with two credentials for a while; one that was found elsewhere works for nobody until it is rolled, or let
// go on.
import { randomInt } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { nano } from '../../../domain/nano.ts';
import { ReplacedCredentials } from '../../../services/api-keys/replaced-credentials.ts';
import { apiKeysStanding } from '../../../services/api-keys/rotations.ts';
import { findCustomers } from '../../../services/customers/search.ts';
import { createLog } from '../../../services/platform/log.ts';
import { issueGrant, openBareGateway } from '../../support/bare-gateway.ts';
import { openKeyShop } from './key-shop.ts';

const shop = await openKeyShop();
const silent = createLog({ name: 'test', level: 'silent' });

const CONFLICT = { code: 'conflict' };

test('T104: both credentials work during the overlap, the old one no longer after it, without anybody’s help', async () => {
  const made = await shop.apiKey();
  const rolled = await shop.roll(made, 24);

  expect([await shop.known(made.credential), await shop.known(rolled)]).toEqual(['works still', 'works']);
  await shop.pass('24 hours');
  expect([await shop.known(made.credential), await shop.known(rolled)]).toEqual(['ended', 'works']);
  expect((await shop.look(made)).rotation).toBeNull();
});

test('without an overlap the old credential ends at once', async () => {
  const made = await shop.apiKey();
  const rolled = await shop.roll(made, 0);

  expect([await shop.known(made.credential), await shop.known(rolled)]).toEqual(['ended', 'works']);
});

test('what a key has spent of its caps, and what it holds, it has spent and holds after it was rolled', async () => {
  const made = await shop.apiKey({ caps: [{ period: 'total', amountNano: nano(3_000_000_000n) }] });
  await issueGrant(shop.admin, made.orgId, { usd: '100' });
  const { projectId } = await shop.look(made);
  const customer = { id: made.apiKeyId, orgId: made.orgId, projectId, enforcementSeq: 0 };
  const gateway = await openBareGateway(shop.database);
  const underWay = await gateway.hold(customer, '2');

  await shop.roll(made, 1);
  await gateway.settle(customer, underWay, '2');

  await expect(gateway.hold(customer, '2')).rejects.toMatchObject({ code: 'cap_reached' });
  await gateway.close();
});

test('an overlap is extended to thirty days in all, ended, or taken back, which ends the new credential', async () => {
  const [extended, ended, takenBack] = [await shop.apiKey(), await shop.apiKey(), await shop.apiKey()];
  const credentials = [];
  for (const made of [extended, ended, takenBack]) credentials.push(await shop.roll(made, 24));

  await shop.extend(extended, 720);
  await shop.end(ended, 'new');
  const { prefix, lastFour } = await shop.end(takenBack, 'old');
  await shop.pass('719 hours');

  expect(await shop.known(extended.credential)).toBe('works still');
  expect([await shop.known(ended.credential), await shop.known(credentials[1] ?? '')]).toEqual(['ended', 'works']);
  expect([await shop.known(takenBack.credential), await shop.known(credentials[2] ?? '')]).toEqual(['works', 'ended']);
  expect(takenBack.credential.startsWith(prefix) && takenBack.credential.endsWith(lastFour)).toBe(true);
});

test('a credential that was ended is not brought back by a clock that is set back', async () => {
  const made = await shop.apiKey();
  await shop.roll(made, 24);
  await shop.pass('1 hour');
  await shop.end(made, 'new');

  await shop.pass('-10 minutes');

  expect(await shop.known(made.credential)).toBe('ended');
});

test('it is rolled once at a time, and not while it is out of use', async () => {
  const made = await shop.apiKey();
  await shop.roll(made, 24);

  await expect(shop.roll(made, 24)).rejects.toMatchObject(CONFLICT);
  await expect(shop.extend(made, 24)).rejects.toMatchObject(CONFLICT);
  await shop.pass('25 hours');
  await expect(shop.extend(made, 48)).rejects.toMatchObject(CONFLICT);
  await expect(shop.end(made, 'old')).rejects.toMatchObject(CONFLICT);
  await shop.roll(made, 1);
  await shop.admin.query('update api_keys set disabled_at = billing_now() where id = $1', [made.apiKeyId]);
  await expect(shop.roll(made, 0)).rejects.toMatchObject(CONFLICT);
});

test('a gateway tells when a replaced credential was used, and from where', async () => {
  const made = await shop.apiKey();
  await shop.roll(made, 24);
  const replaced = new ReplacedCredentials(shop.gatewayDb, silent);

  replaced.used(await shop.rotationOf(made), '2001:db8::7');
  await replaced.close();

  expect((await shop.look(made)).rotation).toMatchObject({ usedAt: expect.any(Date), usedFrom: '2001:db8::7' });
});

test('a key that was found elsewhere works for nobody, and those who answer for it are told once', async () => {
  const made = await shop.apiKey({ isMembers: true });
  const [url, source] = [`https://paste.example/${made.credential}.txt`, `content: ${made.credential}`];

  const reports = [
    await shop.report({ credential: made.credential, url, source }, 'secret_scanning'),
    await shop.report({ credential: made.credential, url, source }, 'secret_scanning'),
    await shop.report({ credential: made.credential }),
  ];

  expect(reports.map((report) => report?.outcome)).toEqual(['frozen', 'told_before', 'out_of_use']);
  expect(await shop.known(made.credential)).toBe('leak');
  expect((await shop.look(made)).frozen).toMatchObject({
    url: 'https://paste.example/[credential].txt',
    source: 'content: [credential]',
  });
  expect(await shop.told(made)).toEqual(['credential_leaked dev', 'credential_leaked owner']);
});

test('a frozen key is rolled without an overlap, or goes on as it was, also where it was found again', async () => {
  const [rolled, letGo] = [await shop.apiKey(), await shop.apiKey()];
  const found = { url: 'https://paste.example/1', source: 'content' };
  for (const { credential } of [rolled, letGo]) await shop.report({ credential, ...found }, 'secret_scanning');

  await expect(shop.roll(rolled, 1)).rejects.toMatchObject({ code: 'invalid_body' });
  const next = await shop.roll(rolled, 0);
  await shop.unfreeze(letGo);
  for (const { credential } of [rolled, letGo]) await shop.report({ credential, ...found }, 'secret_scanning');

  expect([await shop.known(rolled.credential), await shop.known(next)]).toEqual(['ended', 'works']);
  expect(await shop.known(letGo.credential)).toBe('works');
  await expect(shop.unfreeze(letGo)).rejects.toMatchObject(CONFLICT);
  await shop.report({ credential: letGo.credential, url: 'https://paste.example/2' }, 'secret_scanning');
  expect(await shop.known(letGo.credential)).toBe('leak');
});

test('the place where it was found is told whatever its address is made of', async () => {
  const made = await shop.apiKey();
  const url = Array.from({ length: 2_000 }, () => String.fromCodePoint(0x4e00 + randomInt(20_000))).join('');

  await shop.report({ credential: made.credential, url, source: 'content' }, 'secret_scanning');

  expect([await shop.known(made.credential), (await shop.look(made)).frozen?.url]).toEqual(['leak', url]);
});

test('a second place, told while the key was frozen, counts when it is told of again after that', async () => {
  const made = await shop.apiKey();
  const told = (place: string) =>
    shop.report({ credential: made.credential, url: `https://paste.example/${place}` }, 'secret_scanning');

  const whileFrozen = [await told('1'), await told('2'), await told('2')];
  await shop.unfreeze(made);
  const letGo = [await told('1'), await told('2'), await told('2')];

  expect(whileFrozen.map((report) => report?.outcome)).toEqual(['frozen', 'out_of_use', 'told_before']);
  expect(letGo.map((report) => report?.outcome)).toEqual(['told_before', 'frozen', 'told_before']);
  expect(await shop.known(made.credential)).toBe('leak');
});

test('of a key that is being rolled the old credential alone ends where that was found, and both where the new one was', async () => {
  const [oldFound, newFound] = [await shop.apiKey(), await shop.apiKey()];
  const [successor, found] = [await shop.roll(oldFound, 24), await shop.roll(newFound, 24)];

  const outcomes = [
    await shop.report({ credential: oldFound.credential }),
    await shop.report({ credential: found }),
    await shop.report({ credential: oldFound.credential }),
  ];

  expect(outcomes.map((outcome) => outcome?.outcome)).toEqual(['overlap_ended', 'frozen', 'out_of_use']);
  expect([await shop.known(oldFound.credential), await shop.known(successor)]).toEqual(['ended', 'works']);
  expect([await shop.known(newFound.credential), await shop.known(found)]).toEqual(['leak', 'leak']);
  await expect(shop.end(newFound, 'old')).rejects.toMatchObject(CONFLICT);
  const next = await shop.roll(newFound, 0);
  expect([await shop.known(newFound.credential), await shop.known(found), await shop.known(next)]).toEqual([
    ...['ended', 'ended'],
    'works',
  ]);
});

test('a credential whose overlap is over was out of use when it was found, whether or not anybody has noticed', async () => {
  const made = await shop.apiKey();
  await shop.roll(made, 24);
  await shop.pass('25 hours');

  expect((await shop.report({ credential: made.credential }))?.outcome).toBe('out_of_use');
  expect(await shop.told(made)).toEqual([]);
});

test('a disabled key that was found elsewhere stays frozen when it is enabled', async () => {
  const made = await shop.apiKey();
  await shop.admin.query('update api_keys set disabled_at = billing_now() where id = $1', [made.apiKeyId]);

  await shop.report({ credential: made.credential });
  await shop.admin.query('update api_keys set disabled_at = null where id = $1', [made.apiKeyId]);

  expect(await shop.known(made.credential)).toBe('leak');
});

test('an operator sees how many keys in use are frozen, and how many have two credentials', async () => {
  const before = await apiKeysStanding(shop.db);
  const [rolled, found, off] = [await shop.apiKey(), await shop.apiKey(), await shop.apiKey()];
  await shop.roll(rolled, 24);
  for (const { credential } of [found, off]) await shop.report({ credential });
  await shop.admin.query('update api_keys set disabled_at = billing_now() where id = $1', [off.apiKeyId]);

  expect(await apiKeysStanding(shop.db)).toEqual({ frozen: before.frozen + 1, running: before.running + 1 });
});

test('our staff finds the customer by the beginning of either credential', async () => {
  const made = await shop.apiKey();
  const rolled = await shop.roll(made, 0);

  for (const credential of [made.credential, rolled]) {
    const { data } = await findCustomers(shop.db, credential);
    expect(data.map(({ orgId }) => orgId)).toEqual([made.orgId]);
  }
});

test('what is no credential of ours changes nothing', async () => {
  const { credential } = await shop.apiKey();
  const mistyped = `${credential.slice(0, -1)}${credential.endsWith('0') ? '1' : '0'}`;

  expect([await shop.report({ credential: mistyped }), await shop.report({ credential: '' })]).toEqual([null, null]);
});
