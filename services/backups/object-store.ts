// Where backups lie. Whoever writes does not remove: that takes another credential where the storage knows any (D143).

export interface ObjectStore {
  /** For people: s3://bucket/prefix, or a folder. */
  readonly place: string;
  /** Whole or not at all; again under the same name it takes the place of what was there. */
  put(object: string, bytes: AsyncIterable<Buffer>): Promise<void>;
  /** @throws BackupRejected where there is none */
  get(object: string): AsyncIterable<Uint8Array>;
  /** Null: there is none. */
  sizeOf(object: string): Promise<number | null>;
  /** All that begin so. */
  list(prefix: string): Promise<string[]>;
  /** One that is gone is removed. */
  remove(object: string): Promise<void>;
}
