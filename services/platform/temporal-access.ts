// How a worker proves itself to Temporal, and how it knows that it talks to Temporal. The variables have the names that Temporal's own
// programs and SDKs read (temporal.md 10); certificates are files, since that is how they are mounted and renewed.
import { readFileSync } from 'node:fs';

export interface TemporalAccess {
  /** Null: the connection is not encrypted. */
  readonly tls: TemporalTls | null;
  readonly apiKey: string | null;
}

export interface TemporalTls {
  /** PEM; null: the authorities that this machine trusts. */
  readonly authority: Buffer | null;
  /** PEM; null: Temporal asks for none. */
  readonly client: { readonly certificate: Buffer; readonly privateKey: Buffer } | null;
  /** In the server's certificate; null: that of the address. */
  readonly serverName: string | null;
}

export interface TemporalAccessSettings {
  readonly TEMPORAL_API_KEY?: string | undefined;
  readonly TEMPORAL_TLS?: 'true' | 'false' | undefined;
  readonly TEMPORAL_TLS_SERVER_CA_CERT_PATH?: string | undefined;
  readonly TEMPORAL_TLS_CLIENT_CERT_PATH?: string | undefined;
  readonly TEMPORAL_TLS_CLIENT_KEY_PATH?: string | undefined;
  readonly TEMPORAL_TLS_SERVER_NAME?: string | undefined;
}

/** What is wrong goes to `problems`. */
export function temporalAccess(settings: TemporalAccessSettings, problems: string[]): TemporalAccess {
  const apiKey = settings.TEMPORAL_API_KEY ?? null;
  const certificate = pem('TEMPORAL_TLS_CLIENT_CERT_PATH', settings, problems);
  const privateKey = pem('TEMPORAL_TLS_CLIENT_KEY_PATH', settings, problems);
  const authority = pem('TEMPORAL_TLS_SERVER_CA_CERT_PATH', settings, problems);
  const serverName = settings.TEMPORAL_TLS_SERVER_NAME ?? null;
  if ((certificate === null) !== (privateKey === null)) {
    problems.push('TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH are set together or not at all');
  }
  const wantsTls = [apiKey, certificate, privateKey, authority, serverName].some((one) => one !== null);
  if (wantsTls && settings.TEMPORAL_TLS === 'false') {
    problems.push('TEMPORAL_TLS is false: an API key would go out in the clear, and certificates mean nothing');
  }
  if (!wantsTls && settings.TEMPORAL_TLS !== 'true') return { tls: null, apiKey };
  const client = certificate === null || privateKey === null ? null : { certificate, privateKey };
  return { tls: { authority, client, serverName }, apiKey };
}

function pem(
  variable: Exclude<keyof TemporalAccessSettings, 'TEMPORAL_TLS'>,
  settings: TemporalAccessSettings,
  problems: string[],
): Buffer | null {
  const file = settings[variable];
  if (file === undefined) return null;
  try {
    return readFileSync(file);
  } catch (error) {
    problems.push(`${variable}: ${error instanceof Error ? error.message : error}`);
    return null;
  }
}
