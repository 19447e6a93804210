// Where somebody asks from, as accounts know it.
import type { IncomingHttpHeaders } from 'node:http';
import type { Visit } from '../../services/accounts/auth.ts';

const LONGEST_USER_AGENT = 300;

export function visitOf(headers: IncomingHttpHeaders, clientAddress: string): Visit {
  const userAgent = (headers['user-agent'] ?? '').slice(0, LONGEST_USER_AGENT);
  return { clientAddress, userAgent, cookie: headers.cookie ?? '' };
}
