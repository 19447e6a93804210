// Looks for secrets wherever the product could have left them: as they are, and as hex or base64, whole or cut short.
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool } from 'pg';

export type Secrets = Readonly<Record<string, string>>;

/** The names of the secrets that the text holds. */
export function leaksIn(text: string, secrets: Secrets): string[] {
  return Object.entries(secrets)
    .filter(([, secret]) => formsOf(secret).some((form) => text.includes(form)))
    .map(([name]) => name);
}

/** Most of a secret is as good as all of it: four fifths from either end count. */
function formsOf(secret: string): string[] {
  const most = Math.ceil(secret.length * 0.8);
  const bytes = Buffer.from(secret);
  // Without its last characters, which depend on what stands behind the secret.
  const encoded = bytes.toString('base64').slice(0, -4);
  return [secret.slice(0, most), secret.slice(-most), bytes.toString('hex'), encoded, encodeURIComponent(secret)];
}

/** Every row of every table as PostgreSQL writes it, by table. */
export async function rowsOfAllTables(db: Pool): Promise<Map<string, string>> {
  const { rows: tables } = await db.query<{ name: string }>(
    `select quote_ident(table_name) as name from information_schema.tables
      where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  const texts = new Map<string, string>();
  for (const { name } of tables) {
    const { rows } = await db.query<{ text: string }>(`select t::text as text from ${name} t`);
    texts.set(name, rows.map(({ text }) => text).join('\n'));
  }
  return texts;
}

export function textOfFolder(folder: string): string {
  const files = globSync('**/*', { cwd: folder }).map((file) => join(folder, file));
  return files
    .filter((file) => statSync(file).isFile())
    .map((file) => readFileSync(file, 'latin1'))
    .join('\n');
}
