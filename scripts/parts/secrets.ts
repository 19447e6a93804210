// What is secret in one installation: made once at random, kept in files that only the owner reads, never printed but for
// the admin token and the demo customer's key. Losing them locks the data: nothing here is made anew beside existing data.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from './atomic-file.ts';

const OWNER_ONLY = 0o600;

export interface Secrets {
  /** Names this installation's login roles where it shares a PostgreSQL server with others. */
  readonly installation: string;
  readonly adminToken: string;
  /** Losing it ends the links that invoices are paid by. */
  readonly linkSecret: string;
  readonly passwords: {
    readonly superuser: string;
    readonly migrator: string;
    readonly gateway: string;
    readonly worker: string;
    readonly members: string;
    readonly readonly: string;
    readonly backup: string;
    readonly redis: string;
  };
  /** The gateway shows it once, when it is made; null until then. */
  readonly customerKey: string | null;
}

export function loadSecrets(home: string): Secrets {
  keepPayloadKeys(home);
  if (existsSync(secretsFile(home)))
    return completed(home, JSON.parse(readFileSync(secretsFile(home), 'utf8')) as Secrets);
  if (existsSync(join(home, 'postgres'))) {
    throw new Error(
      `${secretsFile(home)} is missing, and the data beside it cannot be opened without: restore it, or remove ${home}`,
    );
  }
  const secrets = newSecrets();
  replaceFile(masterKeysFile(home), newKeyring(), OWNER_ONLY);
  replaceFile(secretsFile(home), `${JSON.stringify(secrets, null, 2)}\n`, OWNER_ONLY);
  return secrets;
}

/** One that was made before there were backups has no password for who takes them. A start sets passwords, so a new one locks nobody out. */
function completed(home: string, secrets: Secrets): Secrets {
  const { passwords } = secrets;
  if (passwords.backup !== undefined) return secrets;
  const whole: Secrets = { ...secrets, passwords: { ...passwords, backup: newSecrets().passwords.backup } };
  replaceFile(secretsFile(home), `${JSON.stringify(whole, null, 2)}\n`, OWNER_ONLY);
  return whole;
}

export function keepCustomerKey(home: string, customerKey: string): void {
  const secrets: Secrets = { ...loadSecrets(home), customerKey };
  replaceFile(secretsFile(home), `${JSON.stringify(secrets, null, 2)}\n`, OWNER_ONLY);
}

export function masterKeysFile(home: string): string {
  return join(home, 'master-keys.json');
}

/** What Temporal keeps is encrypted under these. */
export function payloadKeysFile(home: string): string {
  return join(home, 'payload-keys.json');
}

function keepPayloadKeys(home: string): void {
  const file = payloadKeysFile(home);
  if (existsSync(file)) return;
  if (existsSync(join(home, 'temporal'))) {
    throw new Error(
      `${file} is missing, and what Temporal holds cannot be read without: restore it, or remove ${home}/temporal`,
    );
  }
  replaceFile(file, newKeyring(), OWNER_ONLY);
}

function newKeyring(): string {
  const keys = { 1: randomBytes(32).toString('base64') };
  return `${JSON.stringify({ current: 1, keys })}\n`;
}

function secretsFile(home: string): string {
  return join(home, 'secrets.json');
}

function newSecrets(): Secrets {
  const password = () => randomBytes(24).toString('hex');
  return {
    installation: randomBytes(4).toString('hex'),
    adminToken: `tg-admin-${randomBytes(32).toString('hex')}`,
    linkSecret: randomBytes(32).toString('hex'),
    passwords: {
      superuser: password(),
      migrator: password(),
      gateway: password(),
      worker: password(),
      members: password(),
      readonly: password(),
      backup: password(),
      redis: password(),
    },
    customerKey: null,
  };
}
