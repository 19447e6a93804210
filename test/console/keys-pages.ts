// The page of keys as those use it who keep it running: a key of a channel is changed to its end, in an emergency and by hand, and everything is sealed under
// another master key. What workflows do meanwhile is done here, look by look, so that each stage is seen.
import { randomBytes } from 'node:crypto';
import { expect } from '@jest/globals';
import type { Pool } from 'pg';
import type { Locator, Page } from 'playwright-core';
import { ChannelKeyRotations } from '../../services/channel-key-rotation/rotations.ts';
import { Egress } from '../../services/egress/egress.ts';
import { MasterKeyRotations } from '../../services/master-keys/rotations.ts';
import { createPool } from '../../services/platform/postgres.ts';
import { parseKeyring, Vault } from '../../services/vault/vault.ts';
import { until } from '../support/until.ts';
import { barriersOn } from './accessibility.ts';
import { type ConsoleSite, expectNoSidewaysScrolling, picture, type Visit } from './console-site.ts';
import { openFromQueue } from './keyboard.ts';
import { call } from './waiting-applications.ts';
import { expectWellMadeInBoth } from './well-made.ts';

const keyOf = () => randomBytes(32).toString('base64');
/** Of the product and of who looks for its workflows: the second has not sealed yet. */
export const MASTER_KEYS = JSON.stringify({ current: 1, keys: { 1: keyOf(), 2: keyOf() } });
const ADMIN_KEY = 'demo-admin-of-this-page-5d1c';
const BROUGHT_KEY = 'demo-brought-by-hand-77aa';

export interface EngineRoom {
  readonly db: Pool;
  readonly vault: Vault;
  readonly rotations: ChannelKeyRotations;
  close(): Promise<void>;
}

export function openEngineRoom({ product }: ConsoleSite): EngineRoom {
  const url = product.database.urlFor('worker');
  const db = createPool(url, { name: 'engine-room', maxConnections: 6, statementTimeoutMs: 30_000 });
  const vault = new Vault(parseKeyring('Master', MASTER_KEYS));
  const egress = new Egress();
  return {
    ...{ db, vault },
    rotations: new ChannelKeyRotations({ db, vault, egress }),
    async close() {
      await egress.close();
      await db.end();
    },
  };
}

/** In the dialog that is open. */
async function reasoned(page: Page, verb: string): Promise<void> {
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Why?').fill('as planned');
  await dialog.getByRole('button', { name: verb, exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
}

async function act(page: Page, name: RegExp, verb: string): Promise<void> {
  await page.getByRole('button', { name }).click();
  await reasoned(page, verb);
}

export class KeysPage {
  readonly #site: ConsoleSite;
  readonly #room: EngineRoom;
  readonly #page: Page;

  constructor(site: ConsoleSite, room: EngineRoom, page: Page) {
    [this.#site, this.#room, this.#page] = [site, room, page];
  }

  async open(): Promise<void> {
    await this.#page.goto(`${this.#site.url}/staff/keys`);
    await this.#of('demo-b').waitFor();
  }

  #of(channel: string): Locator {
    return this.#page.getByRole('region', { name: channel });
  }

  /** A reload keeps why, and forgets the key. */
  async setAdminKey(): Promise<void> {
    const page = this.#page;
    const set = page.getByRole('button', { name: 'Set the admin key: demo-b' });
    await set.click();
    await page.getByRole('textbox', { name: 'Admin key' }).fill(ADMIN_KEY);
    await page.getByLabel('Why?').fill('so that nobody pastes keys');
    await page.reload();
    await set.click();
    expect(await page.getByLabel('Why?').inputValue()).toBe('so that nobody pastes keys');
    expect(await page.getByRole('textbox', { name: 'Admin key' }).inputValue()).toBe('');
    await page.getByRole('textbox', { name: 'Admin key' }).fill(ADMIN_KEY);
    await reasoned(page, 'Set the admin key');
    await this.#of('demo-b').getByText('by the admin key …5d1c').waitFor();
    await this.#expectForgotten(ADMIN_KEY);
  }

  async changedToTheEnd(): Promise<void> {
    const [page, slotId] = [this.#page, await this.#slotOf('demo-b')];
    await act(page, /^Change now: demo-b/, 'Change now');
    await this.#look(slotId);
    await this.#endStage(slotId);
    await this.#room.rotations.tick(slotId);
    // By itself: nobody loads the page anew.
    await page.getByText('20 of 100 attempts with the new key, at 5 % of requests').waitFor();
    await expectWellMadeInBoth(page, 'staff-keys-canary');
    for (let view = await this.#look(slotId); view.stage === 'canary'; view = await this.#look(slotId))
      await this.#endStage(slotId);
    await this.open();
    await page.getByText('100 %: good', { exact: false }).waitFor();
    await act(page, /^Finish: demo-b/, 'Finish');
    await until(async () => (await this.#look(slotId)).stage === 'verifying');
    await openFromQueue(this.#site, page, 'The old key has to be deleted at the provider.', 'Keys');
    await page.getByText('Delete the old key …**** at the provider', { exact: false }).waitFor();
    await picture(page, 'staff-keys-revocation');
    await this.#demo('/_demo/withdrawals', { key: 'demo-b-1' });
    await until(async () => (await this.#look(slotId)).stage === 'completed');
    await this.open();
    await this.#of('demo-b').getByText('Done').waitFor();
  }

  async changedInAnEmergency(): Promise<void> {
    const [page, slotId] = [this.#page, await this.#slotOf('demo-b')];
    await page.getByRole('button', { name: /^Emergency: demo-b/ }).click();
    await page.getByText('There is no canary and no grace', { exact: false }).waitFor();
    await picture(page, 'staff-keys-emergency');
    await reasoned(page, 'Emergency');
    await until(async () => (await this.#look(slotId)).stage === 'completed');
    await this.open();
    await page.getByRole('button', { name: /^Emergency: demo-b/ }).waitFor();
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    const answer = await fetch(`${this.#site.product.demoProvider}/admin/v1/api-keys`, { headers });
    expect(((await answer.json()) as { readonly data: readonly unknown[] }).data).toHaveLength(1);
  }

  async broughtAndTakenBack(): Promise<void> {
    const [page, slotId] = [this.#page, await this.#slotOf('demo-a')];
    await page
      .getByRole('button', { name: /^Change now: demo-a/ })
      .first()
      .click();
    await reasoned(page, 'Change now');
    await this.#of('demo-a').getByText('It waits for you: bring the new key.').waitFor();
    await page.getByRole('button', { name: /^Bring the key: demo-a/ }).click();
    await page.getByRole('textbox', { name: 'New key' }).fill('short');
    await page.getByRole('dialog').getByRole('button', { name: 'Bring the key', exact: true }).click();
    await page.getByText('Paste the key', { exact: false }).waitFor();
    await expectWellMadeInBoth(page, 'staff-keys-bring');
    await page.getByRole('textbox', { name: 'New key' }).fill(`${BROUGHT_KEY}\n`);
    await reasoned(page, 'Bring the key');
    await this.#of('demo-a').getByText('Trying the key').waitFor();
    await this.#expectForgotten(BROUGHT_KEY);
    await this.#takenBackMeanwhile(slotId);
    await this.open();
    await this.#of('demo-a').getByText('Taken back by a person').waitFor();
  }

  async everythingSealedAnew(): Promise<void> {
    const page = this.#page;
    const rotations = new MasterKeyRotations(this.#room.db, this.#room.vault);
    const reseal = () => rotations.reseal(2, new AbortController().signal);
    await act(page, /^Begin a rotation/, 'Begin a rotation');
    await page.getByText('Every process must have the new master key', { exact: false }).waitFor();
    await picture(page, 'staff-master-keys-acknowledging');
    await until(async () => (await rotations.tick(2)).stage === 'resealing');
    // Second factors of whom tests have signed in are no secrets, and do not open.
    await reseal();
    await this.open();
    await page.getByText('These do not open.', { exact: false }).waitFor();
    await expectWellMadeInBoth(page, 'staff-master-keys-attention');
    await act(page, /^Leave as it is/, 'Leave as it is');
    await page.getByText('The rotation to master key 2 is done').waitFor();
    await this.#site.product.admin.query(
      `update auth.second_factors set sealed = '{"v": 2}', master_key_version = 2 where master_key_version = 1`,
    );
  }

  /** Somebody else was faster: what is being written stays where it is, says so, and decides nothing. */
  async #takenBackMeanwhile(slotId: string): Promise<void> {
    const dialog = this.#page.getByRole('dialog');
    await this.#page.getByRole('button', { name: /^Take back: demo-a/ }).click();
    await dialog.getByLabel('Why?').fill('it is the wrong one');
    const { rows } = await this.#room.db.query<{ id: string }>(
      'select id from channel_key_rotations where slot_id = $1 and ended_at is null',
      [slotId],
    );
    await call(this.#site.product, 'POST', `/key-rotations/${rows[0]?.id}/roll-back`, { reason: 'as planned' });
    await dialog.getByText('It went on meanwhile', { exact: false }).waitFor();
    expect(await dialog.getByLabel('Why?').inputValue()).toBe('it is the wrong one');
    await dialog.getByRole('button', { name: 'Take back', exact: true }).click();
    await dialog.getByText('Somebody changed this meanwhile', { exact: false }).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  }

  async #expectForgotten(secret: string): Promise<void> {
    const kept = await this.#page.evaluate<string>(
      'JSON.stringify([sessionStorage, localStorage, document.body.innerText])',
    );
    expect(kept).not.toContain(secret);
  }

  async #slotOf(channel: string): Promise<string> {
    const { rows } = await this.#room.db.query<{ id: string }>(
      'select s.id from channel_key_slots s join channels c on c.id = s.channel_id where c.name = $1 order by s.id limit 1',
      [channel],
    );
    return rows[0]?.id ?? '';
  }

  async #look(slotId: string) {
    let view = await this.#room.rotations.tick(slotId);
    while (view.goesOn) view = await this.#room.rotations.tick(slotId);
    return view;
  }

  /** Its time is over: what customers have not asked is called for. */
  async #endStage(slotId: string): Promise<void> {
    await this.#site.product.admin.query(
      `update channel_key_rotations set state = jsonb_set(state, '{stage,endsAtMs}', '0') where slot_id = $1 and stage = 'canary'`,
      [slotId],
    );
  }

  async #demo(path: string, body: object): Promise<void> {
    await fetch(`${this.#site.product.demoProvider}${path}`, { method: 'POST', body: JSON.stringify(body) });
  }
}

/** In Chinese, and in the dark. */
export async function seenOnAPhone(site: ConsoleSite, { context: signedIn }: Visit): Promise<void> {
  const { page, context, complaints } = await site.visit({ language: 'zh', scheme: 'dark', width: 390 });
  await context.addCookies(await signedIn.cookies());
  for (const [path, title] of [
    ['keys', '密钥管理'],
    ['backups', '备份'],
    ['inbox', '收件箱'],
  ] as const) {
    await page.goto(`${site.url}/staff/${path}`);
    await page.getByRole('heading', { level: 1, name: title }).waitFor();
    await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' });
    await picture(page, `staff-${path}-zh-phone`);
    expect([path, await barriersOn(page)]).toEqual([path, []]);
    await expectNoSidewaysScrolling(page);
  }
  expect(complaints).toEqual([]);
}

/** It takes two. */
export async function destroyedByTwo(site: ConsoleSite, [first, second]: readonly [Visit, Visit]): Promise<void> {
  await first.page.goto(`${site.url}/staff/keys`);
  await first.page.getByRole('button', { name: 'Destroy master key 1' }).click();
  const dialog = first.page.getByRole('dialog');
  await dialog.getByText('This takes two persons', { exact: false }).waitFor();
  await dialog.getByLabel('Why?').fill('nothing needs it');
  await dialog.getByRole('button', { name: 'Destroy', exact: true }).click();
  await first.page.getByRole('link', { name: 'Its end waits for a second person' }).waitFor();
  await second.page.goto(`${site.url}/staff/keys`);
  await second.page.getByRole('link', { name: 'Its end waits for a second person' }).click();
  await second.page.getByRole('heading', { name: 'End of a master key' }).waitFor();
  await second.page.getByRole('button', { name: 'Approve' }).click();
  await second.page.getByLabel('Why?').fill('I have looked');
  await second.page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
  await second.page.getByText('Done', { exact: true }).waitFor();
  await second.page.goto(`${site.url}/staff/keys`);
  await second.page.getByText('Destroyed', { exact: true }).waitFor();
  expect(await second.page.getByRole('link', { name: 'Its end waits for a second person' }).count()).toBe(0);
}
