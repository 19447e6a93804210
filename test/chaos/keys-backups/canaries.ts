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

  /** As it may be written: as it is, in base64 by itself or within something longer, and in hex as PostgreSQL shows bytes. By what is looked for, whose it is. */
  words(): ReadonlyMap<string, string> {
    const words = new Map<string, string>();
    for (const [name, secret] of this.#named) {
      const bytes = Buffer.from(secret);
      for (const word of [secret, bytes.toString('hex'), ...base64Within(bytes)]) words.set(word, name);
    }
    return words;
  }
}

/** Three bytes are four letters, so it begins in one of three ways; letters in which its neighbours have a part are left out. In both alphabets. */
function base64Within(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const own = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
