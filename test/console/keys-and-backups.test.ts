// Those who keep it running, on the pages that are theirs: a key of a channel is changed to its end, in an emergency and by hand; all is sealed under
// another master key; a backup is taken and proven. In both languages and colours, and on a phone.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { takenAndDrilled } from './backups-page.ts';
import { type ConsoleSite, openConsoleSite, type Visit } from './console-site.ts';
import { destroyedByTwo, type EngineRoom, KeysPage, MASTER_KEYS, openEngineRoom, seenOnAPhone } from './keys-pages.ts';
import { colleague } from './person.ts';

let site: ConsoleSite;
let room: EngineRoom;
let olga: Visit;
let admins: readonly [Visit, Visit];
let keys: KeysPage;

beforeAll(async () => {
  site = await openConsoleSite({ TOLLGATE_MASTER_KEYS: MASTER_KEYS });
  room = openEngineRoom(site);
  // Before another master key seals: tests make second factors under the first.
  olga = await colleague(site, 'Olga Ops', 'ops');
  admins = [await colleague(site, 'Kim Admin', 'admin'), await colleague(site, 'Lee Admin', 'admin')];
  keys = new KeysPage(site, room, olga.page);
});
afterAll(async () => {
  await room?.close();
  await site?.close();
});

test('a key of a channel is changed to its end, in an emergency and by hand, on a page that keeps none of them', async () => {
  await keys.open();
  await keys.setAdminKey();
  await keys.changedToTheEnd();
  await keys.changedInAnEmergency();
  await keys.broughtAndTakenBack();

  expect(olga.complaints).toEqual([]);
});

test('all is sealed under another master key, and two persons have the one before destroyed', async () => {
  await keys.open();
  await keys.everythingSealedAnew();
  await destroyedByTwo(site, admins);

  expect([...olga.complaints, ...admins.flatMap(({ complaints }) => complaints)]).toEqual([]);
});

test('a backup is asked for, taken, proven and drilled, and one that failed says why', async () => {
  await takenAndDrilled(site, room, olga.page);
  await seenOnAPhone(site, olga);

  expect(olga.complaints).toEqual([]);
});
