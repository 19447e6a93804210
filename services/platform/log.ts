// Log lines are one JSON object each, and no credential ever reaches one.
// Known fields are redacted by their path; whatever slipped into a message, an error or another field is scrubbed from the
// finished line, so that a new log statement cannot undo the promise.
import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;

export interface LogSettings {
  readonly name: string;
  readonly level: string;
}

const REDACTED = '[redacted]';

export function createLog(settings: LogSettings, destination: DestinationStream = pino.destination(1)): Log {
  return pino(
    {
      name: settings.name,
      level: settings.level,
      redact: { paths: SECRET_PATHS, censor: REDACTED },
      hooks: { streamWrite: scrub },
    },
    destination,
  );
}

const SECRET_FIELDS = [
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'x-goog-api-key',
  'api-key',
  'cookie',
  'set-cookie',
  'password',
  'secret',
  'credential',
  'adminToken',
  'masterKeys',
  'sealed',
  'connectionString',
];
const SECRET_PATHS = SECRET_FIELDS.flatMap((field) => [`["${field}"]`, `*["${field}"]`, `*.*["${field}"]`]);

const CREDENTIALS: readonly (readonly [RegExp, string])[] = [
  [/\b(bearer|basic)\s+[\w.~+/=-]+/gi, `$1 ${REDACTED}`],
  [/\bsk-[\w-]{6,}/g, `sk-${REDACTED}`],
  [/\bdemo-[\w-]{16,}/g, `demo-${REDACTED}`],
  // Up to the last @ before the host: a password may hold an @ that nobody encoded.
  [/\b(postgres(?:ql)?|rediss?|https?|smtps?):\/\/([^\s:/@"]*):[^\s/"]*@/gi, `$1://$2:${REDACTED}@`],
  // A URL without a host has it among its parameters.
  [/([?&]password=)[^&\s"]*/gi, `$1${REDACTED}`],
];

export function scrub(line: string): string {
  let scrubbed = line;
  for (const [pattern, replacement] of CREDENTIALS) scrubbed = scrubbed.replace(pattern, replacement);
  return scrubbed;
}
