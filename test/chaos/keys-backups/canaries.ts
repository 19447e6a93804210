// Every secret that there ever was in a campaign, under the name by which a finding may tell of it. At the end none of them may be read anywhere.
export class Canaries {
  readonly #named = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** Once each. */
  add(what: string, secret: string): void {
    if ([...this.#named.values()].includes(secret)) return;
    const nth = (this.#counts.get(what) ?? 0) + 1;
    this.#counts.set(what, nth);
    this.#named.set(`${what} ${nth}`, secret);
  }

  get size(): number {
    return this.#named.size;
  }

  /** As it may be written: as it is, in base64, and in hex as PostgreSQL shows bytes. By what is looked for, whose it is. */
  words(): ReadonlyMap<string, string> {
    const words = new Map<string, string>();
    for (const [name, secret] of this.#named) {
      const bytes = Buffer.from(secret);
      for (const word of [secret, bytes.toString('base64'), bytes.toString('hex')]) words.set(word, name);
    }
    return words;
  }
}
