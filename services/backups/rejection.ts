// Why a backup is none: what a person reads of one that was not taken, or that did not prove itself.

/** The message is the whole reason, in words for whoever is on watch, and holds no secret. */
export class BackupRejected extends Error {}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
