// A house in a temporary folder, with our own rules and files that somebody planted, for tools that read rules and files from disk.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

export class PlantedHouse {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tollgate-house-'));

  /** rules: the files of the real house that the tool is configured by. */
  constructor(rules: readonly string[]) {
    for (const file of rules) cpSync(join(ROOT, file), join(this.#folder, file));
  }

  plant(file: string, source: string): void {
    mkdirSync(dirname(join(this.#folder, file)), { recursive: true });
    writeFileSync(join(this.#folder, file), source);
  }

  rooms(): string[] {
    const entries = readdirSync(this.#folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }

  /** What the tool printed as JSON, also when it exits with 1 for what it found. */
  report(tool: string, args: readonly string[]): Promise<unknown> {
    return new Promise((resolve) => {
      const program = join(ROOT, 'node_modules/.bin', tool);
      execFile(program, args, { cwd: this.#folder }, (_exitCode, stdout) => resolve(JSON.parse(stdout)));
    });
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
