// Backups in object storage that speaks S3. Whoever writes and reads has one credential, whoever removes another, so a machine that was broken
// into takes no backup away with what it writes by; and where the bucket locks objects, nobody does before their time (D143).
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { S3Credential, S3Settings } from '../platform/backup-config.ts';
import { ByteReader } from './byte-reader.ts';
import type { ObjectStore } from './object-store.ts';
import { BackupRejected } from './rejection.ts';

/** What is held in memory at once. S3 takes 10,000 parts of one object: 160 GB. */
const PART_BYTES = 16_777_216;
const TRIES = 4;
const DAY_MS = 86_400_000;
const CONNECT_MS = 10_000;
/** Nothing goes either way: who waits on holds the place of all backups after this one. A restore that stops reading for a while is no silence of this length. */
const SILENT_AFTER_MS = 900_000;

export class S3Store implements ObjectStore {
  readonly place: string;
  readonly #settings: S3Settings;
  readonly #writer: S3Client;
  readonly #remover: S3Client;

  constructor(settings: S3Settings, silentAfterMs = SILENT_AFTER_MS) {
    this.place = `s3://${settings.bucket}/${settings.prefix}`;
    this.#settings = settings;
    this.#writer = clientOf(settings, settings.writing, silentAfterMs);
    this.#remover = clientOf(settings, settings.removing, silentAfterMs);
  }

  async put(object: string, bytes: AsyncIterable<Buffer>): Promise<void> {
    await this.#abandonUploads(object);
    const reader = new ByteReader(bytes);
    try {
      const first = await reader.upTo(PART_BYTES);
      if (first.length === PART_BYTES) await this.#putParts(object, first, reader);
      else await this.#writer.send(new PutObjectCommand({ ...this.#of(object), ...this.#locked(), Body: first }));
    } finally {
      await reader.close();
    }
  }

  /** @throws BackupRejected where there is none */
  async *get(object: string): AsyncGenerator<Uint8Array> {
    const answer = await this.#writer.send(new GetObjectCommand(this.#of(object))).catch((error: unknown) => {
      if (isMissing(error)) throw new BackupRejected(`${object} is not in ${this.place}`);
      throw error;
    });
    if (answer.Body !== undefined) yield* answer.Body as AsyncIterable<Uint8Array>;
  }

  /** Null: there is none. */
  async sizeOf(object: string): Promise<number | null> {
    try {
      const { ContentLength } = await this.#writer.send(new HeadObjectCommand(this.#of(object)));
      return ContentLength ?? null;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  async list(prefix: string): Promise<string[]> {
    const found: string[] = [];
    const { Bucket, Key: Prefix } = this.#of(prefix);
    for (let ContinuationToken: string | undefined; ; ) {
      const page = await this.#writer.send(new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken }));
      for (const { Key = '' } of page.Contents ?? []) found.push(Key.slice(this.#settings.prefix.length));
      ContinuationToken = page.NextContinuationToken;
      if (ContinuationToken === undefined) return found.sort();
    }
  }

  async remove(object: string): Promise<void> {
    await this.#remover.send(new DeleteObjectCommand(this.#of(object)));
  }

  async #putParts(object: string, first: Buffer, reader: ByteReader): Promise<void> {
    const begun = await this.#writer.send(
      new CreateMultipartUploadCommand({ ...this.#of(object), ...this.#locked(), ChecksumAlgorithm: 'CRC32' }),
    );
    const upload = { ...this.#of(object), UploadId: begun.UploadId };
    try {
      const Parts: CompletedPart[] = [];
      for (let part = first; part.length > 0; part = await reader.upTo(PART_BYTES)) {
        const PartNumber = Parts.length + 1;
        const { ETag, ChecksumCRC32 } = await this.#writer.send(
          new UploadPartCommand({ ...upload, PartNumber, Body: part, ChecksumAlgorithm: 'CRC32' }),
        );
        Parts.push({ PartNumber, ETag, ChecksumCRC32 });
      }
      await this.#writer.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
    } catch (error) {
      await this.#writer.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined); // the next attempt finds it
      throw error;
    }
  }

  /** Of an attempt that was killed: its parts would be paid for and never seen. */
  async #abandonUploads(object: string): Promise<void> {
    const { Bucket, Key: Prefix } = this.#of(object);
    const { Uploads = [] } = await this.#writer.send(new ListMultipartUploadsCommand({ Bucket, Prefix }));
    for (const { Key, UploadId } of Uploads) {
      await this.#writer.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    }
  }

  #of(object: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#settings.bucket, Key: `${this.#settings.prefix}${object}` };
  }

  #locked() {
    const { lockDays } = this.#settings;
    return lockDays === null
      ? {}
      : { ObjectLockMode: 'COMPLIANCE' as const, ObjectLockRetainUntilDate: new Date(Date.now() + lockDays * DAY_MS) };
  }
}

function clientOf({ endpoint, region }: S3Settings, { id, secret }: S3Credential, silentAfterMs: number): S3Client {
  return new S3Client({
    region,
    credentials: { accessKeyId: id, secretAccessKey: secret },
    maxAttempts: TRIES,
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: silentAfterMs },
    // Whoever is not Amazon has no name for each bucket.
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
  });
}

function isMissing(error: unknown): boolean {
  return Object(error).$metadata?.httpStatusCode === 404;
}
