// Storage and its bad luck: a disk that is full, an upload that is cut, an answer of 200 with nothing behind it, an attempt that was killed. What
// is there is whole, and an attempt that is repeated takes only its own place.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { DirectoryStore } from '../../../services/backups/directory-store.ts';
import type { ObjectStore } from '../../../services/backups/object-store.ts';
import { S3Store } from '../../../services/backups/s3-store.ts';
import { REMOVER, startFakeS3, WRITER } from '../../support/fake-s3.ts';

const PART_BYTES = 16_777_216;
const LARGE = randomBytes(PART_BYTES + 5_000);

const folder = mkdtempSync(join(tmpdir(), 'tollgate-store-'));
const fake = await startFakeS3();
const settings = { bucket: 'backups', prefix: 'here/', endpoint: fake.url, region: 'eu-1', lockDays: null };
const s3 = new S3Store({ ...settings, writing: WRITER, removing: REMOVER });
const directory = new DirectoryStore(folder);
afterAll(() => {
  fake.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  fake.trouble = 'none';
});

async function* streamOf(bytes: Buffer, breaksOffAfter = bytes.length): AsyncGenerator<Buffer> {
  for (let at = 0; at < breaksOffAfter; at += 1_000_000) yield bytes.subarray(at, at + 1_000_000);
  if (breaksOffAfter < bytes.length) throw new Error('the dump broke off');
}

async function fetched(store: ObjectStore, object: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of store.get(object)) pieces.push(piece);
  return Buffer.concat(pieces);
}

const BOTH = [
  ['a folder', directory],
  ['object storage', s3],
] as const;

test.each(BOTH)(
  '%s gives back what was put, small or in parts, lists it by its beginning and removes it',
  async (_, store) => {
    await store.put('a.1.backup', streamOf(LARGE));
    await store.put('a.1.manifest.json', streamOf(Buffer.from('{}')));
    await store.put('b.1.backup', streamOf(Buffer.from('b')));
    await store.put('a.2.backup', streamOf(Buffer.from('2')));

    expect((await fetched(store, 'a.1.backup')).equals(LARGE)).toBe(true);
    expect(await store.sizeOf('a.1.backup')).toBe(LARGE.length);
    expect(await store.list('a.')).toEqual(['a.1.backup', 'a.1.manifest.json', 'a.2.backup']);
    await store.remove('a.1.backup');
    await store.remove('a.1.backup');
    expect(await store.sizeOf('a.1.backup')).toBeNull();
    await expect(fetched(store, 'a.1.backup')).rejects.toThrow('a.1.backup is not in');
  },
);

test.each(BOTH)('%s has nothing of a dump that broke off, and what was there before stays', async (_, store) => {
  await store.put('kept.backup', streamOf(Buffer.from('before')));

  await expect(store.put('kept.backup', streamOf(LARGE, 2_000_000))).rejects.toThrow('the dump broke off');
  await expect(store.put('kept.backup', streamOf(LARGE, PART_BYTES + 1))).rejects.toThrow('the dump broke off');

  expect((await fetched(store, 'kept.backup')).toString()).toBe('before');
  expect(fake.uploads.size).toBe(0);
  expect(readdirSync(folder).filter((file) => file.includes('unfinished'))).toEqual([]);
});

test('an attempt that was killed leaves nothing that the next one does not clear away', async () => {
  fake.uploads.set('of-the-dead', { object: 'here/killed.backup', parts: new Map([[1, Buffer.from('x')]]) });
  writeFileSync(join(folder, 'killed.backup.unfinished'), 'x');

  await s3.put('killed.backup', streamOf(Buffer.from('whole')));
  await directory.put('killed.backup', streamOf(Buffer.from('whole')));

  expect(fake.uploads.size).toBe(0);
  expect(readdirSync(folder)).not.toContain('killed.backup.unfinished');
});

test('an upload that is cut, or finds no room, fails; one that is lost is seen by asking', async () => {
  for (const trouble of ['cuts', 'full'] as const) {
    fake.trouble = trouble;
    await expect(s3.put('unlucky.backup', streamOf(LARGE))).rejects.toThrow();
    expect(fake.objects.has('here/unlucky.backup')).toBe(false);
  }
  fake.trouble = 'loses';
  await s3.put('unlucky.backup', streamOf(LARGE));

  expect(await s3.sizeOf('unlucky.backup')).toBeNull();
});

test('object storage that takes what it is sent and never answers fails the attempt, which holds up no other', async () => {
  const impatient = new S3Store({ ...settings, writing: WRITER, removing: REMOVER }, 50);
  fake.trouble = 'silent';

  await expect(impatient.put('unanswered.backup', streamOf(Buffer.from('x')))).rejects.toThrow('timed out after 50 ms');
});

test('who writes removes nothing, who removes writes nothing, and a lock holds off both', async () => {
  await s3.put('guarded.backup', streamOf(Buffer.from('x')));
  const swapped = new S3Store({ ...settings, writing: REMOVER, removing: WRITER });
  const locking = new S3Store({ ...settings, lockDays: 7, writing: WRITER, removing: REMOVER });
  const wrong = new S3Store({ ...settings, writing: { ...WRITER, secret: 'guessed' }, removing: REMOVER });
  await locking.put('locked.backup', streamOf(Buffer.from('x')));

  await expect(swapped.remove('guarded.backup')).rejects.toThrow('AccessDenied');
  await expect(swapped.put('guarded.backup', streamOf(Buffer.from('y')))).rejects.toThrow('AccessDenied');
  await expect(locking.remove('locked.backup')).rejects.toThrow('AccessDenied');
  await expect(wrong.put('guarded.backup', streamOf(Buffer.from('y')))).rejects.toThrow('SignatureDoesNotMatch');
  expect((await fetched(s3, 'guarded.backup')).toString()).toBe('x');
});
