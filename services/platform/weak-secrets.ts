// Secrets that could be guessed, and passwords in the addresses of databases: production refuses to start with them. They are named, never repeated.

const SHORTEST_SECRET = 32;
const DEFAULT_WORDS =
  /change.?me|password|secret|default|example|insecure|placeholder|replace|tollgate|12345678|abcdefgh/;
const DATABASES = ['DATABASE_URL', 'DATABASE_URL_WORKER', 'DATABASE_URL_MEMBERS', 'DATABASE_URL_BACKUP'];
const DEFAULT_PASSWORDS = new Set(['postgres', 'admin', 'root', 'test', 'demo', 'redis', 'pass', '1234', '123456']);

export function weakSecrets(env: Readonly<Record<string, string | undefined>>): string[] {
  const problems: string[] = [];
  for (const name of ['TOLLGATE_ADMIN_TOKEN', 'TOLLGATE_LINK_SECRET']) {
    const secret = env[name]?.trim();
    if (!secret) continue;
    if (secret.length < SHORTEST_SECRET) {
      problems.push(`${name} has ${secret.length} characters; production takes no less than 32`);
    }
    if (looksDefault(secret)) problems.push(`${name} looks like a default value`);
  }
  for (const name of [...DATABASES, 'REDIS_URL']) {
    const problem = weakPassword(env[name]);
    if (problem !== null) problems.push(`${name} ${problem}`);
  }
  return problems;
}

/** A server that is reached without TCP is guarded by the permissions of its socket. */
function weakPassword(value: string | undefined): string | null {
  if (!value || !URL.canParse(value)) return null;
  const { hostname, username, password: encoded, searchParams } = new URL(value);
  if (hostname === '' || searchParams.get('host')?.startsWith('/')) return null;
  // The parameter goes before the rest of the URL (node-postgres).
  const password = searchParams.get('password') ?? decoded(encoded);
  if (password === '') return 'has no password';
  const guessable = password === decoded(username) || DEFAULT_PASSWORDS.has(password) || looksDefault(password);
  return guessable ? 'has a password that looks like a default value' : null;
}

/** decodeURIComponent throws on what is no UTF-8; a password may be anything. */
function decoded(text: string): string {
  return new URLSearchParams(`text=${text.replace(/[+&]/g, encodeURIComponent)}`).get('text') ?? '';
}

export function looksDefault(secret: string): boolean {
  return DEFAULT_WORDS.test(secret.toLowerCase()) || new Set(secret).size < 8;
}
