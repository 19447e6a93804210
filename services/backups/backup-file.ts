// A backup as it lies in storage: a dump in sealed chunks, under a data key of its own that a master key wraps in the head (D140).
// Each chunk is bound to the head, to its place and to whether it is the last, so one that was changed, cut off, repeated or moved
// does not open, and nothing that was not sealed here is ever given to a database.
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { decrypt, encrypt, NONCE_BYTES, TAG_BYTES } from '../vault/sealed-box.ts';
import type { SealContext, Sealed, Vault } from '../vault/vault.ts';
import { ByteReader } from './byte-reader.ts';
import { BackupRejected, reasonOf } from './rejection.ts';

const MAGIC = 'tollgate-backup 1\n';
const DATA_KEY_BYTES = 32;
/** What a reader and a writer hold in memory at once. */
const CHUNK_BYTES = 1_048_576;
const LONGEST_HEAD_BYTES = 65_536;
const LENGTH_BYTES = 4;
const EMPTY = Buffer.alloc(0);

export const sealedSchema = z.object({
  v: z.number().int().positive(),
  wrapped: z.string(),
  wrapNonce: z.string(),
  wrapTag: z.string(),
  nonce: z.string(),
  tag: z.string(),
  data: z.string(),
});

const headSchema = z.object({ name: z.string(), dataKey: sealedSchema });

/** An empty chunk that says so is the end: a dump that breaks off has none. */
export async function* sealedBackup(
  dump: AsyncIterable<Uint8Array>,
  name: string,
  vault: Vault,
  masterKeyVersion: number,
): AsyncGenerator<Buffer> {
  const reader = new ByteReader(dump);
  const dataKey = randomBytes(DATA_KEY_BYTES);
  try {
    const head = packedHead(name, vault.seal(dataKey.toString('base64'), placeOf(name), masterKeyVersion));
    yield head;
    let number = 0;
    for (let chunk = await reader.upTo(CHUNK_BYTES); chunk.length > 0; chunk = await reader.upTo(CHUNK_BYTES)) {
      yield* sealedChunk(dataKey, head, { number, isLast: false }, chunk);
      number += 1;
    }
    yield* sealedChunk(dataKey, head, { number, isLast: true }, EMPTY);
  } finally {
    dataKey.fill(0);
    await reader.close();
  }
}

/** The dump again, chunk by chunk. @throws BackupRejected where it is not as it was sealed */
export async function* openedBackup(file: AsyncIterable<Uint8Array>, vault: Vault): AsyncGenerator<Buffer> {
  const reader = new ByteReader(file);
  try {
    const head = await readHead(reader);
    yield* openedChunks(reader, head, dataKeyIn(head, vault));
    if ((await reader.upTo(1)).length > 0) throw new BackupRejected('something follows the end of the backup');
  } finally {
    await reader.close();
  }
}

async function* openedChunks(reader: ByteReader, head: Buffer, dataKey: Buffer): AsyncGenerator<Buffer> {
  try {
    for (let number = 0, isLast = false; !isLast; number += 1) {
      const read = await readChunk(reader, number);
      isLast = read.isLast;
      const chunk = openedChunk(dataKey, head, { number, isLast }, read.box);
      if (chunk.length > 0) yield chunk;
    }
  } finally {
    dataKey.fill(0);
  }
}

interface Place {
  readonly number: number;
  readonly isLast: boolean;
}

function placeOf(name: string): SealContext {
  return { table: 'backups', rowId: name, column: 'data_key', origin: 'backup:' };
}

function packedHead(name: string, dataKey: Sealed): Buffer {
  const text = Buffer.from(JSON.stringify({ name, dataKey }), 'utf8');
  return Buffer.concat([Buffer.from(MAGIC), lengthOf(text), text]);
}

function lengthOf(bytes: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(bytes.length);
  return length;
}

async function readHead(reader: ByteReader): Promise<Buffer> {
  const start = await reader.upTo(MAGIC.length + LENGTH_BYTES);
  if (start.subarray(0, MAGIC.length).toString() !== MAGIC) throw new BackupRejected('this is no backup of ours');
  const length = start.length < MAGIC.length + LENGTH_BYTES ? 0 : start.readUInt32BE(MAGIC.length);
  const text = length > LONGEST_HEAD_BYTES ? EMPTY : await reader.upTo(length);
  if (length === 0 || text.length < length) throw new BackupRejected('the backup is cut short in its head');
  return Buffer.concat([start, text]);
}

function dataKeyIn(head: Buffer, vault: Vault): Buffer {
  try {
    const { name, dataKey } = headSchema.parse(JSON.parse(head.subarray(MAGIC.length + LENGTH_BYTES).toString('utf8')));
    return Buffer.from(vault.open(dataKey, placeOf(name)), 'base64');
  } catch (error) {
    throw new BackupRejected(
      error instanceof Error && error.message.startsWith('The secret in')
        ? `its data key does not open with the master keys that are here: ${reasonOf(error)}`
        : 'the head of the backup cannot be read',
    );
  }
}

/** In two pieces: one would be a copy of a megabyte. */
function sealedChunk(dataKey: Buffer, head: Buffer, place: Place, chunk: Buffer): [Buffer, Buffer] {
  const { bytes, nonce, tag } = encrypt(dataKey, chunk, boundTo(head, place));
  return [Buffer.concat([Buffer.from([Number(place.isLast)]), lengthOf(bytes), nonce, tag]), bytes];
}

async function readChunk(reader: ByteReader, number: number): Promise<{ isLast: boolean; box: Buffer }> {
  const start = await reader.upTo(1 + LENGTH_BYTES);
  const length = start.length < 1 + LENGTH_BYTES ? null : NONCE_BYTES + TAG_BYTES + start.readUInt32BE(1);
  if (length !== null && length > NONCE_BYTES + TAG_BYTES + CHUNK_BYTES) throw damaged(number);
  const box = length === null ? EMPTY : await reader.upTo(length);
  if (length === null || box.length < length) throw new BackupRejected(`the backup is cut short in chunk ${number}`);
  return { isLast: start[0] === 1, box };
}

function openedChunk(dataKey: Buffer, head: Buffer, place: Place, box: Buffer): Buffer {
  const nonce = box.subarray(0, NONCE_BYTES);
  const tag = box.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  try {
    return decrypt(dataKey, { nonce, tag, bytes: box.subarray(NONCE_BYTES + TAG_BYTES) }, boundTo(head, place));
  } catch {
    throw damaged(place.number);
  }
}

function damaged(number: number): BackupRejected {
  return new BackupRejected(`chunk ${number} of the backup does not open: it was changed, or stands in another place`);
}

function boundTo(head: Buffer, { number, isLast }: Place): Buffer {
  const digest = createHash('sha256').update(head).digest('base64');
  return Buffer.from(JSON.stringify(['tollgate-backup', digest, number, isLast]), 'utf8');
}
