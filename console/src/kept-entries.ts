// What somebody has entered and nobody can take yet, such as half a mail address: kept in his tab, so that a reload loses none of it. It counts
// as long as what it was entered into has not changed since.
interface Kept {
  readonly version: number;
  readonly entries: Readonly<Record<string, string>>;
}

/** Null: nothing is kept of this version. */
export function keptEntries(of: string, version: number): Kept['entries'] | null {
  const text = sessionStorage.getItem(of);
  if (text === null) return null;
  const kept = JSON.parse(text) as Kept;
  return kept.version === version ? kept.entries : null;
}

export function keepEntries(of: string, version: number, entries: Kept['entries']): void {
  sessionStorage.setItem(of, JSON.stringify({ version, entries } satisfies Kept));
}

export function forgetEntries(of: string): void {
  sessionStorage.removeItem(of);
}
