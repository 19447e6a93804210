// What somebody did several times in a row is one line of the audit log that is shown; its export has each.
interface Deed {
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly targetKind: string;
  readonly targetId: string;
  /** As it was left. */
  readonly after?: unknown;
  readonly reason: string | null;
  readonly clientAddress: string | null;
}

interface Folded<D extends Deed> {
  /** The newest. */
  readonly deed: D;
  readonly times: number;
  /** When the oldest was done. */
  readonly since: string;
}

const SAME = ['actor', 'action', 'targetKind', 'targetId', 'reason', 'clientAddress'] as const;

/** Newest first, as it was. What differs in anything that a line shows, or has something else between, stays by itself. */
export function folded<D extends Deed>(deeds: readonly D[]): Folded<D>[] {
  const lines: Folded<D>[] = [];
  for (const deed of deeds) {
    const last = lines.at(-1);
    if (last !== undefined && isSame(last.deed, deed)) {
      lines[lines.length - 1] = { deed: last.deed, times: last.times + 1, since: deed.at };
    } else lines.push({ deed, times: 1, since: deed.at });
  }
  return lines;
}

function isSame(one: Deed, other: Deed): boolean {
  return SAME.every((field) => one[field] === other[field]) && nameIn(one.after) === nameIn(other.after);
}

/** What it was called then; undefined: the log does not tell. */
export function nameIn(after: unknown): string | undefined {
  const { name } = (after ?? {}) as { readonly name?: unknown };
  return typeof name === 'string' ? name : undefined;
}
