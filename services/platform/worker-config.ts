// The whole configuration of a worker process, read and refused as that of a gateway (config.ts).
import { z } from 'zod';
import type { Keyring } from '../vault/vault.ts';
import { type BackupSettings, backupSettings } from './backup-config.ts';
import {
  type Environment,
  type LOG_LEVELS,
  logLevel,
  masterKeysFile,
  nodeEnv,
  parseSettings,
  publicUrl,
  readKeyring,
  readMasterKeys,
  type StripeSettings,
  stripeFields,
  stripeProblems,
  stripeSettings,
  text,
  url,
  wholeNumber,
} from './config.ts';
import { type TemporalAccess, temporalAccess } from './temporal-access.ts';
import { weakSecrets } from './weak-secrets.ts';

export interface WorkerConfig {
  readonly production: boolean;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly temporalAccess: TemporalAccess;
  /** scheme://host:port of Temporal's UI, which may ask for payloads to be decoded; null: only the command line may. */
  readonly temporalUiOrigin: string | null;
  readonly payloadKeys: Keyring;
  /** As the gateways': keys of channels are made, tried and given up by workers. */
  readonly masterKeys: Keyring;
  /** Where they stand, to be read again; null: they came by the environment. */
  readonly masterKeysFile: string | null;
  /** Null: this worker takes no backups. */
  readonly backups: BackupSettings | null;
  /** null: this installation takes no payments. */
  readonly stripe: StripeSettings | null;
  /** For those who read payloads. */
  readonly adminToken: string;
  /** As the gateways': mails link to where invoices are paid. */
  readonly linkSecret: string;
  readonly host: string;
  readonly port: number;
  readonly sdkMetricsPort: number;
  /** A file; null: the workflows are bundled when the process starts. */
  readonly workflowBundle: string | null;
  /** Where people read docs/operations.md; null: nowhere in particular. */
  readonly runbookUrl: string | null;
  /** Where customers' browsers reach us, without a slash at its end. */
  readonly publicUrl: string;
  /** Null: mails are kept and not sent. */
  readonly mail: MailSettings | null;
}

export interface MailSettings {
  readonly url: string;
  readonly from: string;
  /** Who decides what only a person may decide. */
  readonly staff: string;
}

export function readWorkerConfig(env: Environment): WorkerConfig {
  const problems: string[] = [];
  const settings = parseSettings(Settings, env, problems);
  const payloadKeys = readKeyring('Payload', 'TOLLGATE_PAYLOAD_KEYS', env, problems);
  const masterKeys = readMasterKeys(env, problems);
  const access = temporalAccess(settings ?? {}, problems);
  const backups = backupSettings(env, problems);
  problems.push(...partsOfMail(env));
  problems.push(...stripeProblems(env));
  if (env.NODE_ENV === 'production') {
    problems.push(...weakSecrets(env));
    if (!env.SMTP_URL?.trim()) problems.push('SMTP_URL is not set: nobody would be warned');
    if (!env.TOLLGATE_PUBLIC_URL?.trim()) problems.push('TOLLGATE_PUBLIC_URL is not set: mails link to it');
    if (!env.TOLLGATE_WORKFLOW_BUNDLE) problems.push('TOLLGATE_WORKFLOW_BUNDLE is not set: production bundles nothing');
  }
  if (settings === null || payloadKeys === null || masterKeys === null || problems.length > 0) {
    throw new Error(`Cannot start:\n  ${problems.join('\n  ')}`);
  }
  return Object.freeze({
    production: settings.NODE_ENV === 'production',
    logLevel: settings.LOG_LEVEL,
    databaseUrl: settings.DATABASE_URL_WORKER,
    temporalAddress: settings.TEMPORAL_ADDRESS,
    temporalNamespace: settings.TEMPORAL_NAMESPACE,
    temporalAccess: access,
    temporalUiOrigin: settings.TEMPORAL_UI_URL ? new URL(settings.TEMPORAL_UI_URL).origin : null,
    payloadKeys,
    masterKeys,
    masterKeysFile: masterKeysFile(env),
    backups,
    stripe: stripeSettings(settings),
    adminToken: settings.TOLLGATE_ADMIN_TOKEN,
    linkSecret: settings.TOLLGATE_LINK_SECRET,
    host: settings.WORKER_HOST,
    port: settings.WORKER_PORT,
    sdkMetricsPort: settings.WORKER_SDK_METRICS_PORT,
    workflowBundle: settings.TOLLGATE_WORKFLOW_BUNDLE ?? null,
    runbookUrl: settings.TOLLGATE_RUNBOOK_URL ?? null,
    publicUrl: settings.TOLLGATE_PUBLIC_URL ?? 'http://127.0.0.1:8080',
    mail: mailSettings(settings),
  });
}

const ADDRESS = /^[^\s<>@,]+@[^\s<>@,]+$/;
/** An address, or a name with one in angle brackets. */
const MAILBOX = /^([^\p{Cc}<>@,]*<[^\s<>@,]+@[^\s<>@,]+>|[^\s<>@,]+@[^\s<>@,]+)$/u;

const Settings = z.object({
  NODE_ENV: nodeEnv,
  // Workflows compute with the time zone of their process: two that differ would not agree on what a workflow has done.
  TZ: text.refine((zone) => zone === 'UTC', 'must be UTC'),
  LOG_LEVEL: logLevel,
  DATABASE_URL_WORKER: url('postgres:', 'postgresql:'),
  TEMPORAL_ADDRESS: text.refine((address) => /^\[?[^\s/\]]+\]?:\d{1,5}$/.test(address), 'must be host:port'),
  TEMPORAL_NAMESPACE: text,
  TEMPORAL_API_KEY: z.string().optional(),
  TEMPORAL_TLS: z.enum(['true', 'false'], 'must be true or false').optional(),
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: z.string().optional(),
  TEMPORAL_TLS_CLIENT_CERT_PATH: z.string().optional(),
  TEMPORAL_TLS_CLIENT_KEY_PATH: z.string().optional(),
  TEMPORAL_TLS_SERVER_NAME: z.string().optional(),
  TEMPORAL_UI_URL: url('http:', 'https:').optional(),
  TOLLGATE_ADMIN_TOKEN: text,
  TOLLGATE_LINK_SECRET: text,
  ...stripeFields,
  WORKER_HOST: z.string().default('127.0.0.1'),
  WORKER_PORT: wholeNumber(1, 65_535).default(8083),
  WORKER_SDK_METRICS_PORT: wholeNumber(1, 65_535).default(8084),
  TOLLGATE_WORKFLOW_BUNDLE: z.string().optional(),
  TOLLGATE_RUNBOOK_URL: url('http:', 'https:').optional(),
  TOLLGATE_PUBLIC_URL: publicUrl,
  SMTP_URL: url('smtp:', 'smtps:').optional(),
  MAIL_FROM: z.string().regex(MAILBOX, 'must be one mail address, or Name <address>').optional(),
  MAIL_STAFF: z.string().regex(ADDRESS, 'must be one mail address').optional(),
});

const OF_MAIL = ['SMTP_URL', 'MAIL_FROM', 'MAIL_STAFF'] as const;

/** Without one of them some mails could not be sent, or would come from nobody. */
function partsOfMail(env: Environment): string[] {
  const missing = OF_MAIL.filter((name) => !env[name]?.trim());
  return missing.length === 0 || missing.length === OF_MAIL.length
    ? []
    : [`${OF_MAIL.join(', ')} are set together or not at all: ${missing.join(', ')} is missing`];
}

function mailSettings({ SMTP_URL, MAIL_FROM, MAIL_STAFF }: z.infer<typeof Settings>): MailSettings | null {
  if (SMTP_URL === undefined || MAIL_FROM === undefined || MAIL_STAFF === undefined) return null;
  return Object.freeze({ url: SMTP_URL, from: MAIL_FROM, staff: MAIL_STAFF });
}
