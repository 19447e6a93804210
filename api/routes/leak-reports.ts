// Credentials of ours that somebody found where others read them: told by scanners of public places, who sign what they send, and by staff who were told.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { withoutCredentials } from '../../services/api-keys/credential.ts';
import { reportLeak, SCANNER } from '../../services/api-keys/leaks.ts';
import type { ScannerKeys } from '../../services/api-keys/scanner-keys.ts';
import { writeAudit } from '../../services/audit/audit.ts';
import { newId } from '../../services/platform/ids.ts';
import { inTransaction } from '../../services/platform/postgres.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { line, uuid } from './field-schemas.ts';
import { signedHook } from './open-route.ts';
import { jsonReply } from './reply.ts';
import { adminChange, none, type Route } from './route.ts';

const LONGEST_URL = 2_000;
const LONGEST_SOURCE = 200;

/** As GitHub's secret scanning partner program sends them; its names, and more than it has said so far. As many as a body has room for. */
const Matches = z
  .array(
    z.looseObject({
      token: z.string(),
      type: z.string().default(''),
      url: z.string().nullish(),
      source: z.string().nullish(),
    }),
  )
  .meta({ description: 'What a scanner found' });

const Labels = z.array(
  z.object({
    token_hash: z.string().meta({ description: 'SHA-256 of what was found, in hex' }),
    token_type: z.string(),
    label: z.enum(['true_positive', 'false_positive']),
  }),
);

export const leakReportRoutes: readonly Route[] = [
  signedHook({
    path: '/webhooks/secret-scanning',
    summary: 'For scanners of public places: credentials that were found, signed',
    body: Matches,
    response: Labels,
    handler: async (bytes, headers, app) => {
      const identifier = String(headers['github-public-key-identifier'] ?? '');
      scannersOf(app).requireSigned(bytes, identifier, String(headers['github-public-key-signature'] ?? ''));
      const labels: z.infer<typeof Labels> = [];
      for (const match of matchesIn(bytes)) labels.push(await labelled(app, match));
      return jsonReply(Labels, labels, 200);
    },
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/leak-reports',
    permission: 'leak.report',
    summary:
      'Report an API key that was found where others can read it, by all of its text, which is not kept: it is frozen at once',
    params: none,
    status: 201,
    body: z.strictObject({
      credential: z.string().min(1).max(500),
      url: line(LONGEST_URL).nullable().default(null).meta({ description: 'Where it was seen' }),
      source: line(LONGEST_SOURCE).nullable().default(null).meta({ description: 'Of which kind that place is' }),
    }),
    response: z.object({
      apiKeyId: uuid.nullable().meta({ description: 'Null: nobody has or had an API key with this text here' }),
      outcome: z.enum(['frozen', 'overlap_ended', 'out_of_use', 'unknown']),
    }),
    handler: ({ body, actor }, _app, change) =>
      change(async (tx) => {
        const known = await reportLeak(tx, body, actor);
        if (known === null || known.outcome === 'told_before' || known.audit === null) {
          const answer = { apiKeyId: null, outcome: 'unknown' } as const;
          return {
            answer,
            audit: { action: 'leak.unknown', targetKind: 'leak_report', targetId: newId(), after: answer },
          };
        }
        return { answer: { apiKeyId: known.apiKeyId, outcome: known.outcome }, audit: known.audit };
      }),
  }),
];

/** @throws TollgateError secret_scanning_not_configured */
function scannersOf({ scannerKeys }: AppDependencies): ScannerKeys {
  if (scannerKeys !== null) return scannerKeys;
  throw new TollgateError('secret_scanning_not_configured', {
    message: 'This installation knows no scanner: TOLLGATE_SECRET_SCANNING_KEYS_FILE is not set.',
  });
}

type Match = z.infer<typeof Matches>[number];

/** What is wrong with it is told without what it says: it may hold credentials. @throws TollgateError invalid_body */
function matchesIn(bytes: Buffer): readonly Match[] {
  const parsed = Matches.safeParse(bytes.length === 0 ? null : JSON.parse(bytes.toString('utf8')));
  if (parsed.success) return parsed.data;
  throw new TollgateError('invalid_body', {
    message: 'Send a list of objects with token, type, url and source.',
  });
}

/** Each is committed by itself: one that fails is told again by the scanner, and the others are frozen by then. */
async function labelled(app: AppDependencies, { token: credential, type, url, source }: Match) {
  const leak = { credential, url: lineOf(url, LONGEST_URL), source: lineOf(source, LONGEST_SOURCE) };
  const known = await inTransaction(app.db, async (tx) => {
    const told = await reportLeak(tx, leak, SCANNER);
    if (told !== null && told.audit !== null) await writeAudit(tx, { actor: SCANNER, requestId: newId() }, told.audit);
    return told;
  });
  return {
    token_hash: createHash('sha256').update(credential).digest('hex'),
    token_type: type.slice(0, LONGEST_SOURCE),
    label: known === null ? ('false_positive' as const) : ('true_positive' as const),
  };
}

/** Null: nothing was said. */
function lineOf(text: string | null | undefined, longest: number): string | null {
  const said = withoutCredentials(text ?? '')
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, longest)
    .trim();
  return said === '' ? null : said;
}
