// A backup is good when it has been restored, and each way in which it may not be good is told by its reason. A verifier that never rejected
// anything proves nothing.
import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Client } from 'pg';
import { sealedBackup } from '../../../services/backups/backup-file.ts';
import { differences, figuresOf } from '../../../services/backups/figures.ts';
import { type Manifest, manifestNameOf } from '../../../services/backups/manifest.ts';
import { S3Store } from '../../../services/backups/s3-store.ts';
import { Counted } from '../../../services/backups/take-backup.ts';
import { verifyBackup } from '../../../services/backups/verify-backup.ts';
import { REMOVER, startFakeS3, WRITER } from '../../support/fake-s3.ts';
import { backedUpInstallation, bytesOf, CHANNEL_KEY, newVault } from './backed-up-installation.ts';

const installation = await backedUpInstallation();
const { place, take, verdict, pretend, admin } = installation;

/** Nothing that was made to verify is there afterwards. */
function leftovers(): string[] {
  return readdirSync(place.temporary);
}

test('a backup is restored as of its moment with every row, its books prove themselves and its secrets open', async () => {
  const manifest = await take('2026-11-30');
  await installation.spend();

  const proof = await verifyBackup(place, manifest.object);

  expect(proof).toMatchObject({ samples: 1, migrated: 0 });
  expect(proof.invariants).toBeGreaterThan(20);
  expect(BigInt(proof.rows)).toBeGreaterThan(30n);
  expect(proof.tables).toBe(Object.keys(manifest.figures.tables).length);
  expect(manifest.figures.migration).toMatch(/^\d{4}_\w/);
  expect(leftovers()).toEqual([]);
});

test('what lies in storage tells nobody what is in the database', async () => {
  const manifest = await take('quiet');

  for (const file of readdirSync(place.folder))
    expect(bytesOf(place, file).toString('latin1')).not.toContain(CHANNEL_KEY);
  expect(bytesOf(place, manifest.object).toString('latin1')).not.toContain('upstream.example');
});

test('a truncated file is rejected, by its size and, where the manifest was cut to fit, by its missing end', async () => {
  const manifest = await take('truncated');
  const bytes = manifest.bytes - 40;
  truncateSync(join(place.folder, manifest.object), bytes);

  expect(await verdict(manifest.object)).toMatch(/has \d+ bytes, its manifest says \d+/);
  pretend(manifest, { bytes });
  expect(await verdict(manifest.object)).toMatch(/cut short in chunk \d+/);
});

test('one flipped byte is rejected, wherever it is, and so is a whole file that is another one', async () => {
  const manifest = await take('flipped');
  const whole = bytesOf(place, manifest.object);
  for (const [at, reason] of [
    [5, /no backup of ours/],
    [200, /does not open|cannot be read/],
    [whole.length >> 1, /chunk \d+ of the backup does not open/],
    [whole.length - 1, /chunk \d+ of the backup does not open/],
  ] as const) {
    const flipped = Buffer.from(whole);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    writeFileSync(join(place.folder, manifest.object), flipped);
    expect(await verdict(manifest.object)).toMatch(reason);
  }
  writeFileSync(join(place.folder, manifest.object), whole);
  pretend(manifest, { sha256: '0'.repeat(64) });
  expect(await verdict(manifest.object)).toMatch(/has another SHA-256 than its manifest says/);
});

test('a wrong key is rejected, and so is a manifest that somebody changed', async () => {
  const manifest = await take('keys');
  expect(await verdict(manifest.object, { vault: newVault() })).toMatch(/manifest is not sealed with the master keys/);

  const file = join(place.folder, manifest.object.replace('.backup', '.manifest.json'));
  writeFileSync(
    file,
    bytesOf(place, file.slice(place.folder.length + 1))
      .toString()
      .replace('"v":1', '"v":1 '),
  );
  expect(await verdict(manifest.object)).toMatch(/manifest was changed after it was sealed/);
});

test('an older backup whose manifest was laid in the place of a newer one does not stand in for it', async () => {
  const [older, newer] = [await take('of-last-year'), await take('of-tonight')];
  const nameOf = ({ object }: Manifest) => manifestNameOf(object);
  writeFileSync(join(place.folder, nameOf(newer)), bytesOf(place, nameOf(older)));

  expect(await verdict(newer.object)).toBe(`in the place of its manifest is that of ${older.object}`);
});

test('a dump of an older ledger than its manifest says is rejected', async () => {
  const older = await take('older');
  await installation.spend();
  const { figures } = await take('newer');

  pretend(older, { figures });

  expect(await verdict(older.object)).toMatch(/its ledger ends with transaction \d+, its manifest says \d+/);
});

test('a dump without one table is rejected', async () => {
  await admin.query('create table one_more (id integer)');
  const { figures } = await take('with-it');
  await admin.query('drop table one_more');
  const manifest = await take('without-it');

  pretend(manifest, { figures });

  expect(await verdict(manifest.object)).toMatch(/^it has no table public.one_more/);
});

test('a dump in which one row of one table is missing is rejected', async () => {
  await admin.query(
    `insert into models (id, display_name, owned_by, kind, context_tokens, max_output_tokens, bytes_per_token)
     values ('m', 'm', 'm', 'chat', 1, 1, 1)`,
  );
  const { figures } = await take('complete');
  await admin.query('set session_replication_role = replica; delete from models; reset session_replication_role');
  const manifest = await take('one-less');

  pretend(manifest, { figures });

  expect(await verdict(manifest.object)).toMatch(/^rows of public.models: \d+, its manifest says \d+/);
});

test.each([
  ['a right', 'revoke select on models from tollgate_gateway', 'grant select on models to tollgate_gateway'],
  [
    'what keeps rows apart',
    'alter table audit_log disable row level security',
    'alter table audit_log enable row level security',
  ],
  [
    'what a column is without a value',
    `alter table channels alter status drop default`,
    `alter table channels alter status set default 'enabled'`,
  ],
])('a schema that lacks %s is another one', async (_, lost, found) => {
  const client = new Client({ connectionString: place.databaseUrl, options: '-c search_path=pg_catalog' });
  await client.connect();
  const whole = await figuresOf(client);
  await admin.query(lost);
  const part = await figuresOf(client);
  await admin.query(found);
  const again = await figuresOf(client);
  await client.end();

  expect(differences(whole, part)).toEqual(['its schema is not the one of its manifest']);
  expect(differences(whole, again)).toEqual([]);
});

test('an empty dump with a right checksum is rejected', async () => {
  const manifest = await take('empty');
  pretend(manifest, await sealedInstead(manifest, Buffer.alloc(0)));

  expect(await verdict(manifest.object)).toMatch(/pg_restore ended with 1: .*(too short|valid archive|end of file)/);
  expect(leftovers()).toEqual([]);
});

test('books that do not balance are not a backup, however faithfully they were copied', async () => {
  const { rows } = await admin.query(`update organizations set overdraft_nano = overdraft_nano + 1 returning id`);
  const manifest = await take('unbalanced');
  await admin.query('update organizations set overdraft_nano = overdraft_nano - 1');

  expect(rows.length).toBeGreaterThan(0);
  expect(await verdict(manifest.object)).toMatch(/invariant I2-overdraft does not hold/);
});

test('object storage that says it has a backup and has lost it is not believed, and one that keeps it gives a good one back', async () => {
  const fake = await startFakeS3();
  const at = { bucket: 'backups', prefix: '', endpoint: fake.url, region: 'eu-1', lockDays: null };
  const store = new S3Store({ ...at, writing: WRITER, removing: REMOVER });
  try {
    const { object } = await take('kept', { store });
    fake.trouble = 'loses';
    await expect(take('lost', { store })).rejects.toThrow(/took lost\..*\.backup of \d+ bytes and has nothing of it/);
    fake.trouble = 'none';
    expect(await verdict(object, { store })).toBe('good');
    fake.objects.delete(object);
    expect(await verdict(object, { store })).toMatch(/^kept\..* is not in s3:\/\/backups/);
  } finally {
    fake.close();
  }
});

test('it is taken as a role that sees everything and changes nothing, and not as one that is shown a part', async () => {
  const refused = take('confined', { databaseUrl: installation.database.urlFor('members') });

  await expect(refused).rejects.toThrow('shown a part of the rows');
  await expect(take('readonly', { databaseUrl: installation.database.urlFor('readonly') })).rejects.toThrow(
    /permission denied/,
  );
});

test('a table of which its role is shown no rows keeps it from being a backup of everything', async () => {
  await admin.query(
    `create table kept_from_it (id integer); insert into kept_from_it values (1); alter table kept_from_it enable row level security`,
  );
  const refused = await take('hidden').then(({ object }) => verdict(object), String);
  await admin.query('drop table kept_from_it');

  expect(refused).toMatch('is shown a part of the rows of public.kept_from_it');
});

async function sealedInstead({ name, object }: Manifest, dump: Buffer): Promise<Partial<Manifest>> {
  const counted = new Counted();
  const pieces = (async function* () {
    yield dump;
  })();
  await place.store.put(object, counted.pass(sealedBackup(pieces, name, place.vault, 1)));
  return { bytes: counted.bytes, sha256: counted.sha256() };
}
