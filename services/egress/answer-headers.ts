// The headers of an upstream's answer. Few of them are ever asked for, so none is taken apart before it is.

export class AnswerHeaders {
  readonly #lines: string;
  readonly #lowerCase: string;

  /** @param lines valid header lines, each with its CRLF */
  constructor(lines: string) {
    this.#lines = `\r\n${lines}`;
    this.#lowerCase = this.#lines.toLowerCase();
  }

  /** @param name in lower case. Of several the first. */
  get(name: string): string | undefined {
    return this.#valueAt(this.#lowerCase.indexOf(`\r\n${name}:`), name);
  }

  /** null: it is there more than once. */
  only(name: string): string | null | undefined {
    const at = this.#lowerCase.indexOf(`\r\n${name}:`);
    if (at >= 0 && this.#lowerCase.indexOf(`\r\n${name}:`, at + 2) >= 0) return null;
    return this.#valueAt(at, name);
  }

  #valueAt(at: number, name: string): string | undefined {
    if (at < 0) return undefined;
    const from = at + name.length + 3;
    return this.#lines.slice(from, this.#lines.indexOf('\r\n', from)).trim();
  }
}
