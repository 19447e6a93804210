// What Temporal has stored of a workflow that somebody wrote, wherever in its history it stands.

interface StoredPayload {
  readonly metadata?: { readonly encoding?: Uint8Array } | null;
  readonly data?: Uint8Array | null;
}

/** Wherever they are; search attributes are meant to be read. */
export function payloadsIn(value: unknown): StoredPayload[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  if ('metadata' in value && 'data' in value) return [value as StoredPayload];
  return Object.entries(value).flatMap(([name, part]) => (name === 'searchAttributes' ? [] : payloadsIn(part)));
}
