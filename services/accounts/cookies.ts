// The cookies by which browsers are known. They go along from our own pages alone (D107). Where we are reached by https their names begin with
// __Host-: then no other host of the domain, and nobody between, can set one.
export class Cookies {
  readonly areSecure: boolean;
  readonly session: string;
  readonly signUp: string;
  readonly challenge: string;
  readonly passkey: string;
  readonly signOn: string;

  constructor(publicUrl: string) {
    this.areSecure = publicUrl.startsWith('https:');
    const prefix = this.areSecure ? '__Host-' : '';
    this.session = `${prefix}tollgate_session`;
    this.signUp = `${prefix}tollgate_sign_up`;
    this.challenge = `${prefix}tollgate_challenge`;
    this.passkey = `${prefix}tollgate_passkey`;
    this.signOn = `${prefix}tollgate_sign_on`;
  }

  /** For `set-cookie`; without an age it is taken away. */
  set(name: string, value: string, ageSeconds = 0): string {
    const secure = this.areSecure ? '; Secure' : '';
    return `${name}=${value}; Max-Age=${ageSeconds}; Path=/; HttpOnly${secure}; SameSite=Strict`;
  }

  /** Empty: it was not sent. */
  valueOf(name: string, cookieHeader: string): string {
    const pair = cookieHeader.split(/; */).find((part) => part.startsWith(`${name}=`));
    return pair?.slice(name.length + 1) ?? '';
  }

  /** The one of the session, of all that better-auth would set. */
  sessionIn(headers: Headers): string {
    const cookie = headers.getSetCookie().find((one) => one.startsWith(`${this.session}=`));
    if (cookie === undefined) throw new Error('better-auth has set no cookie of the session');
    return cookie;
  }
}
