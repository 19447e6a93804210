// The whole configuration of a process, read once from its environment and frozen; nobody else looks at the environment.
// What is wrong is said all at once and by name, never by value. Production also refuses secrets that could be guessed.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';
import { ScannerKeys } from '../api-keys/scanner-keys.ts';
import { type Keyring, parseKeyring } from '../vault/vault.ts';
import { type ArmedCrashPoints, CRASH_POINTS } from './crash-points.ts';
import { looksDefault, weakSecrets } from './weak-secrets.ts';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export interface Config {
  readonly production: boolean;
  readonly port: number;
  readonly gatewayProcesses: number;
  readonly databaseUrl: string;
  readonly workerDatabaseUrl: string;
  readonly membersDatabaseUrl: string;
  readonly redisUrl: string | null;
  readonly adminToken: string;
  /** Proves that a link to pay was made by us. */
  readonly linkSecret: string;
  readonly masterKeys: Keyring;
  /** Where they stand, to be read again; null: they came by the environment. */
  readonly masterKeysFile: string | null;
  readonly journalDir: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly trustedProxies: readonly string[];
  /** The address to listen on. */
  readonly host: string;
  /** null: this installation takes no payments. */
  readonly stripe: StripeSettings | null;
  /** Whether an administrator may move the clock of billing; only where Stripe is a fake whose clock moves with it. */
  readonly demoClock: boolean;
  /** Where customers' browsers reach us, without a slash at its end. */
  readonly publicUrl: string;
  /** The list of workflows in Temporal's UI, in front of the id of one; null: nobody said where that is. */
  readonly temporalUiUrl: string | null;
  /** Who may report leaked credentials by a signature; null: nobody. */
  readonly scannerKeys: ScannerKeys | null;
  /** Where a chaos campaign kills this process; production refuses to have any. */
  readonly crashPoints: { readonly points: ArmedCrashPoints; readonly log: string | null } | null;
}

export interface StripeSettings {
  readonly apiBase: string;
  readonly secretKey: string;
  readonly webhookSecret: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export function readConfig(env: Environment): Config {
  const problems: string[] = [];
  const settings = parseSettings(Settings, env, problems);
  const masterKeys = readMasterKeys(env, problems);
  problems.push(...stripeProblems(env), ...clockOfRealMoney(env));
  if (env.NODE_ENV === 'production') problems.push(...weakSecrets(env), ...testSwitches(env));
  if (settings === null || masterKeys === null || problems.length > 0) {
    throw new Error(`Cannot start:\n  ${problems.join('\n  ')}`);
  }
  return Object.freeze({
    production: settings.NODE_ENV === 'production',
    port: settings.PORT,
    gatewayProcesses: settings.GATEWAY_PROCESSES,
    databaseUrl: settings.DATABASE_URL,
    workerDatabaseUrl: settings.DATABASE_URL_WORKER,
    membersDatabaseUrl: settings.DATABASE_URL_MEMBERS,
    redisUrl: settings.REDIS_URL ?? null,
    adminToken: settings.TOLLGATE_ADMIN_TOKEN,
    linkSecret: settings.TOLLGATE_LINK_SECRET,
    masterKeys,
    masterKeysFile: masterKeysFile(env),
    journalDir: settings.TOLLGATE_JOURNAL_DIR,
    logLevel: settings.LOG_LEVEL,
    trustedProxies: Object.freeze(settings.TOLLGATE_TRUSTED_PROXIES),
    host: settings.HOST,
    stripe: stripeSettings(settings),
    demoClock: settings.TOLLGATE_DEMO_CLOCK === '1',
    publicUrl: settings.TOLLGATE_PUBLIC_URL ?? `http://127.0.0.1:${settings.PORT}`,
    temporalUiUrl: workflowsIn(settings),
    scannerKeys: settings.TOLLGATE_SECRET_SCANNING_KEYS_FILE ?? null,
    crashPoints:
      settings.TOLLGATE_CRASH_POINTS === undefined
        ? null
        : { points: settings.TOLLGATE_CRASH_POINTS, log: settings.TOLLGATE_CRASH_LOG ?? null },
  });
}

export const text = z.string('is not set');
export const wholeNumber = (smallest: number, largest: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from ${smallest} to ${largest}`)
    .transform(Number)
    .refine((value) => value >= smallest && value <= largest, `must be a whole number from ${smallest} to ${largest}`);
export const url = (...schemes: string[]) =>
  text.refine(
    (value) => URL.canParse(value) && schemes.includes(new URL(value).protocol),
    `must be a URL that begins with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`,
  );

// A misspelt "production" must not start a process without the checks of production.
export const nodeEnv = z
  .enum(['production', 'development', 'test'], 'must be production, development or test')
  .default('development');
export const publicUrl = url('https:', 'http:')
  .transform((text) => text.replace(/\/+$/, ''))
  .optional();
export const logLevel = z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info');

export const stripeFields = {
  STRIPE_SECRET_KEY: z.string().optional(),
  STRIPE_WEBHOOK_SECRET: z.string().optional(),
  STRIPE_API_BASE: url('https:', 'http:').default('https://api.stripe.com'),
};

/** Point -> the passing of it (1st, 2nd, ...) that kills the process. */
const CrashPoints = z.partialRecord(z.enum(CRASH_POINTS), z.int().positive());

const Settings = z.object({
  NODE_ENV: nodeEnv,
  PORT: wholeNumber(0, 65_535).default(8080),
  GATEWAY_PROCESSES: wholeNumber(1, 256).default(1),
  DATABASE_URL: url('postgres:', 'postgresql:'),
  DATABASE_URL_WORKER: url('postgres:', 'postgresql:'),
  DATABASE_URL_MEMBERS: url('postgres:', 'postgresql:'),
  REDIS_URL: url('redis:', 'rediss:').optional(),
  TOLLGATE_ADMIN_TOKEN: text,
  TOLLGATE_LINK_SECRET: text,
  TOLLGATE_JOURNAL_DIR: text,
  LOG_LEVEL: logLevel,
  TOLLGATE_TRUSTED_PROXIES: z
    .string()
    .default('')
    .transform((list) => list.split(/[\s,]+/).filter(Boolean))
    .refine((list) => list.every(isAddressOrRange), 'must be addresses or CIDR ranges, separated by commas'),
  HOST: z.string().default('127.0.0.1'),
  ...stripeFields,
  TOLLGATE_PUBLIC_URL: publicUrl,
  TEMPORAL_UI_URL: url('http:', 'https:').optional(),
  TEMPORAL_NAMESPACE: z.string().optional(),
  TOLLGATE_DEMO_CLOCK: z.literal('1', 'must be 1, or not set').optional(),
  TOLLGATE_CRASH_POINTS: z
    .string()
    .transform((json, context) => {
      const parsed = CrashPoints.safeParse(JSON.parse(json));
      if (parsed.success) return parsed.data;
      context.addIssue(`must be JSON like {"mid-stream":3}; the points are ${CRASH_POINTS.join(', ')}`);
      return z.NEVER;
    })
    .optional(),
  TOLLGATE_CRASH_LOG: z.string().optional(),
  TOLLGATE_SECRET_SCANNING_KEYS_FILE: z
    .string()
    .transform((file, context) => {
      try {
        return new ScannerKeys(readFileSync(file, 'utf8'));
      } catch (error) {
        context.addIssue(`names no file of public keys: ${error instanceof Error ? error.message : error}`);
        return z.NEVER;
      }
    })
    .optional(),
});

/** Null: it is not told where the UI is, or which namespace is ours. */
function workflowsIn(settings: z.infer<typeof Settings>): string | null {
  const { TEMPORAL_UI_URL: ui, TEMPORAL_NAMESPACE: namespace } = settings;
  if (ui === undefined || namespace === undefined) return null;
  return `${ui.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows`;
}

/** Null: it is not told of Stripe. */
export function stripeSettings(settings: z.infer<z.ZodObject<typeof stripeFields>>): StripeSettings | null {
  const { STRIPE_SECRET_KEY: secretKey, STRIPE_WEBHOOK_SECRET: webhookSecret, STRIPE_API_BASE: apiBase } = settings;
  if (secretKey === undefined || webhookSecret === undefined) return null;
  return Object.freeze({ apiBase, secretKey, webhookSecret });
}

/** A variable that is set to nothing counts as not set: that is how compose files and shells leave things out. */
export function parseSettings<S extends z.ZodType>(schema: S, env: Environment, problems: string[]): z.infer<S> | null {
  const filled = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
  const outcome = schema.safeParse(filled);
  if (outcome.success) return outcome.data;
  for (const issue of outcome.error.issues) problems.push(`${issue.path.join('.')} ${issue.message}`);
  return null;
}

function isAddressOrRange(value: string): boolean {
  const [address = '', prefix, ...rest] = value.split('/');
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (bits < 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
}

/** Null: what is wrong with them is among the problems. */
export function readMasterKeys(env: Environment, problems: string[]): Keyring | null {
  return readKeyring('Master', 'TOLLGATE_MASTER_KEYS', env, problems);
}

/** Null: they came by the environment. */
export function masterKeysFile(env: Environment): string | null {
  return env.TOLLGATE_MASTER_KEYS_FILE || null;
}

/** Null: what is wrong with it is among the problems. The file wins; there is no third place (D146). */
export function readKeyring(purpose: string, variable: string, env: Environment, problems: string[]): Keyring | null {
  const file = env[`${variable}_FILE`];
  if (!file && !env[variable]?.trim()) {
    problems.push(`${variable}_FILE or ${variable} is not set`);
    return null;
  }
  try {
    return parseKeyring(purpose, file ? readFileSync(file, 'utf8') : (env[variable] ?? ''));
  } catch (error) {
    problems.push(`${file ? `${variable}_FILE` : variable}: ${error instanceof Error ? error.message : error}`);
    return null;
  }
}

const SHORTEST_STRIPE_SECRET = 24;

function testSwitches(env: Environment): string[] {
  const problems: string[] = [];
  if (env.TOLLGATE_CRASH_POINTS)
    problems.push('TOLLGATE_CRASH_POINTS is for chaos campaigns: production never kills itself');
  if (env.TOLLGATE_DEMO_CLOCK?.trim())
    problems.push('TOLLGATE_DEMO_CLOCK is for demos: production goes by the time that it is');
  return problems;
}

/** Both processes take or ask for payments. */
export function stripeProblems(env: Environment): string[] {
  return [...halfOfStripe(env), ...(env.NODE_ENV === 'production' ? unsafePayments(env) : [])];
}

/** With one of the two, money would be taken and not heard of, or heard of and not looked up. */
function halfOfStripe(env: Environment): string[] {
  const [isKeySet, isSecretSet] = [env.STRIPE_SECRET_KEY?.trim(), env.STRIPE_WEBHOOK_SECRET?.trim()].map(Boolean);
  return isKeySet === isSecretSet ? [] : ['STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET are set together or not at all'];
}

/** Stripe's own clock cannot be moved, and what is due by ours would be charged to real cards. */
function clockOfRealMoney(env: Environment): string[] {
  if (!env.TOLLGATE_DEMO_CLOCK?.trim()) return [];
  const base = env.STRIPE_API_BASE?.trim();
  const isFake = base !== undefined && URL.canParse(base) && !/(^|\.)stripe\.com$/.test(new URL(base).hostname);
  return isFake && env.STRIPE_SECRET_KEY?.trim()
    ? []
    : ['TOLLGATE_DEMO_CLOCK moves the clock of the fake Stripe, too: STRIPE_API_BASE must lead to one'];
}

function unsafePayments(env: Environment): string[] {
  if (!env.STRIPE_SECRET_KEY?.trim()) return [];
  const problems = ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET']
    .filter((name) => (env[name]?.trim().length ?? 0) < SHORTEST_STRIPE_SECRET || looksDefault(env[name] ?? ''))
    .map((name) => `${name} is too short, or looks like a default value`);
  if (env.STRIPE_API_BASE?.startsWith('http:')) problems.push('STRIPE_API_BASE must begin with https://');
  if (!env.TOLLGATE_PUBLIC_URL?.trim())
    problems.push('TOLLGATE_PUBLIC_URL is not set: people come back to it from Stripe');
  return problems;
}
