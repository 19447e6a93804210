// Who may read what Temporal keeps encrypted. A browser signs in once with the admin token and a name, and carries a signed cookie
// for a working day; a command line sends the token itself. Nothing is kept here: any worker knows any worker's cookie.
import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isSameSecret } from '../services/platform/same-secret.ts';

const COOKIE = 'tollgate_codec';
const WORKING_DAY_S = 8 * 3_600;

export class CodecAccess {
  readonly #adminToken: string;

  constructor(adminToken: string) {
    this.#adminToken = adminToken;
  }

  isAdminToken(presented: string): boolean {
    return isSameSecret(presented, this.#adminToken);
  }

  /** A Set-Cookie header. The UI is another origin of the same site, which is as far as the browser takes it. */
  cookieFor(name: string, nowMs: number, isSecure: boolean): string {
    const claim = Buffer.from(JSON.stringify([name, nowMs + WORKING_DAY_S * 1_000]), 'utf8').toString('base64url');
    const secure = isSecure ? '; Secure' : '';
    return `${COOKIE}=${claim}.${this.#signatureOf(claim)}; Path=/codec; Max-Age=${WORKING_DAY_S}; HttpOnly; SameSite=Strict${secure}`;
  }

  /** Null: nobody who may. */
  readerOf(headers: Pick<IncomingHttpHeaders, 'authorization' | 'cookie'>, nowMs: number): string | null {
    const [, presented] = /^bearer\s+(\S+)$/i.exec(headers.authorization ?? '') ?? [];
    if (presented !== undefined) return this.isAdminToken(presented) ? 'admin token' : null;
    const [, claim = '', signature = ''] =
      new RegExp(`(?:^|;\\s*)${COOKIE}=([\\w-]+)\\.([\\w-]+)`).exec(headers.cookie ?? '') ?? [];
    if (claim === '' || !isSameSecret(signature, this.#signatureOf(claim))) return null;
    const [name, untilMs] = JSON.parse(Buffer.from(claim, 'base64url').toString('utf8')) as [string, number];
    return nowMs < untilMs ? name : null;
  }

  #signatureOf(claim: string): string {
    return createHmac('sha256', this.#adminToken).update(`codec-cookie:${claim}`).digest('base64url');
  }
}
