// The keys of the demo provider's account, as real providers keep them: each has a name, its value is told once, and one that was deleted is refused from
// then on. They stand in keys.jsonl BEFORE anybody is answered, so a client that was killed may have a key that it does not know of, and a list that says so.
import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is issued looks so; other keys that begin with demo- are as old as the account. */
const ISSUED = 'demo-issued-';

export interface AccountKey {
  readonly id: string;
  readonly name: string;
  readonly value: string;
  readonly createdAt: number;
}

type Line =
  | ({ readonly what: 'created' } & AccountKey)
  | { readonly what: 'deleted'; readonly id: string }
  | { readonly what: 'withdrawn'; readonly value: string };

export class AccountKeys {
  readonly #path: string;
  readonly #live = new Map<string, AccountKey>();
  readonly #values = new Set<string>();
  readonly #withdrawn = new Set<string>();

  constructor(dataDir: string) {
    this.#path = join(dataDir, 'keys.jsonl');
    if (!existsSync(this.#path)) return;
    for (const text of readFileSync(this.#path, 'utf8').split('\n')) if (text !== '') this.#follow(JSON.parse(text));
  }

  isTaken(value: string): boolean {
    if (value.startsWith(ISSUED)) return this.#values.has(value);
    return value.startsWith('demo-') && !this.#withdrawn.has(value);
  }

  /** The oldest first. */
  named(name: string | null): readonly AccountKey[] {
    return [...this.#live.values()].filter((one) => name === null || one.name === name);
  }

  create(name: string): AccountKey {
    const id = `key_${randomBytes(12).toString('hex')}`;
    const made = { id, name, value: `${ISSUED}${randomBytes(24).toString('hex')}`, createdAt: Date.now() };
    this.#append({ what: 'created', ...made });
    return made;
  }

  /** False: there is none of that id. */
  remove(id: string): boolean {
    if (!this.#live.has(id)) return false;
    this.#append({ what: 'deleted', id });
    return true;
  }

  /** What somebody does on the provider's own page, with a key that was never issued by this API. */
  withdraw(value: string): void {
    this.#append({ what: 'withdrawn', value });
  }

  #append(line: Line): void {
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
    this.#follow(line);
  }

  #follow(line: Line): void {
    if (line.what === 'withdrawn') {
      this.#withdrawn.add(line.value);
      return;
    }
    if (line.what === 'created') {
      const { what: _, ...made } = line;
      this.#live.set(made.id, made);
      this.#values.add(made.value);
      return;
    }
    this.#values.delete(this.#live.get(line.id)?.value ?? '');
    this.#live.delete(line.id);
  }
}
