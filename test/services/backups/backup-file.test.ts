// What is sealed into a file comes out of it as it went in, and out of nothing else: not of one in which a chunk is missing, stands twice or in
// another place, nor of one that goes on after its end.
import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { openedBackup, sealedBackup } from '../../../services/backups/backup-file.ts';
import { newVault } from './backed-up-installation.ts';

const CHUNK_BYTES = 1_048_576;
/** Whether it is the last, its length, nonce and tag. */
const AROUND_A_CHUNK = 1 + 4 + 12 + 16;

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function whole(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of stream) all.push(piece);
  return Buffer.concat(all);
}

const vault = newVault();
const dump = randomBytes(2 * CHUNK_BYTES + 12_345);
const file = await whole(sealedBackup(pieces(dump, 70_000), '2026-11-30', vault, 1));
const chunkBytes = CHUNK_BYTES + AROUND_A_CHUNK;
const headBytes = file.length - dump.length - 4 * AROUND_A_CHUNK;
const [head, first, second, rest] = [
  file.subarray(0, headBytes),
  file.subarray(headBytes, headBytes + chunkBytes),
  file.subarray(headBytes + chunkBytes, headBytes + 2 * chunkBytes),
  file.subarray(headBytes + 2 * chunkBytes),
];

const opened = (...parts: Buffer[]) => whole(openedBackup(pieces(Buffer.concat(parts), 9_999), vault));

test('a dump comes out as it went in, whatever the pieces in which it arrives', async () => {
  expect((await opened(file)).equals(dump)).toBe(true);
  expect(await opened(await whole(sealedBackup(pieces(Buffer.alloc(0), 1), 'empty', vault, 1)))).toHaveLength(0);
});

test('a chunk that is missing, stands twice, or in the place of another does not open', async () => {
  await expect(opened(head, second, rest)).rejects.toThrow('chunk 0 of the backup does not open');
  await expect(opened(head, second, first, rest)).rejects.toThrow('chunk 0 of the backup does not open');
  await expect(opened(head, first, first, second, rest)).rejects.toThrow('chunk 1 of the backup does not open');
});

test('an end that was cut off is missed, one that was made early is no end, and nothing follows it', async () => {
  await expect(opened(head, first, second)).rejects.toThrow('cut short in chunk 2');
  await expect(opened(head, first.subarray(0, -1))).rejects.toThrow('cut short in chunk 0');
  const early = Buffer.from(first);
  early[0] = 1;
  await expect(opened(head, early)).rejects.toThrow('chunk 0 of the backup does not open');
  await expect(opened(file, Buffer.from([0]))).rejects.toThrow('something follows the end');
});

test('chunks of another backup do not open in this one, though the same vault has sealed both', async () => {
  const other = await whole(sealedBackup(pieces(dump, 70_000), '2026-11-30', vault, 1));

  await expect(opened(head, other.subarray(headBytes))).rejects.toThrow('chunk 0 of the backup does not open');
  await expect(whole(openedBackup(pieces(file, 9_999), newVault()))).rejects.toThrow('its data key does not open');
});

test('a dump that breaks off is no file: its error comes through, and there is no end', async () => {
  async function* breaking(): AsyncGenerator<Buffer> {
    yield dump.subarray(0, 100);
    throw new Error('pg_dump died');
  }

  await expect(whole(sealedBackup(breaking(), 'broken', vault, 1))).rejects.toThrow('pg_dump died');
});
