// What a provider answers is not believed further than it goes: a list of keys may be longer than was asked for, and an error may have our key in it.
import { afterAll, expect, test } from '@jest/globals';
import { tryChannelKey } from '../../../services/channels/channel-keys.ts';
import { type Channel, channel, lockedChannel } from '../../../services/channels/channels.ts';
import { providerAdmin, setAdminKey } from '../../../services/channels/provider-admin.ts';
import { Egress } from '../../../services/egress/egress.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { startMockUpstream } from '../../api/routes/mock-upstream.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { newVault } from '../backups/backed-up-installation.ts';
import { Catalogue } from './catalogue.ts';

const SECRET = 'Kq7x-a-key-as-this-provider-makes-them-Zr2w';

const { admin: db } = await ownDatabase();
const provider = await startMockUpstream();
const egress = new Egress();
const parts = { vault: newVault(), egress };
afterAll(async () => {
  await egress.close();
  provider.close();
});

async function newChannel(): Promise<{ readonly asked: Channel; readonly keyId: string }> {
  const catalogue = new Catalogue(db, parts.vault);
  const baseUrl = `${provider.url}/v1`;
  const id = await catalogue.addChannel({ name: 'demo', baseUrl, provider: 'demo' });
  await db.query('update channels set allow_local = true where id = $1', [id]);
  const keyId = await catalogue.addKey(id, baseUrl, SECRET);
  return { asked: await channel(db, id), keyId };
}

test('of the keys that a provider lists those alone are taken for ours that bear the name', async () => {
  const { asked } = await newChannel();
  await inTransaction(db, async (tx) =>
    setAdminKey(tx, parts.vault, await lockedChannel(tx, asked.id), 'demo-admin-of-this-test'),
  );
  provider.answer = {
    status: 200,
    body: {
      data: [
        { id: 'of-production', name: 'production' },
        { id: 'made', name: 'tollgate-rotation-1' },
        { id: 'nameless' },
      ],
    },
  };

  const found = await (await providerAdmin(db, parts, asked))?.keysNamed('tollgate-rotation-1');

  expect(found).toEqual(['made']);
});

test('of a key that a provider repeats in its answer nothing is told, wherever that is cut', async () => {
  const { asked, keyId } = await newChannel();
  const call = { keyId, modelId: 'demo-chat', upstreamModel: 'demo-chat', kind: 'chat' } as const;
  const told: string[] = [];
  for (const status of [200, 500]) {
    provider.answer = { status, body: `${'x'.repeat(180)} ${SECRET}` };
    told.push((await tryChannelKey(db, parts, asked, call)).message);
  }

  expect(told).toEqual([expect.stringMatching(/^HTTP 200, .*x/), expect.stringMatching(/^HTTP 500: .*x/)]);
  expect(told.join()).not.toContain(SECRET.slice(0, 4));
});
