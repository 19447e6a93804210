// Where the gateway is reached from this machine. Without HOST it listens here alone, and what listens on every address is reached here too.
import { isIPv6 } from 'node:net';

/** As in a URL. */
export function gatewayHost(): string {
  const wanted = process.env.HOST?.trim();
  if (!wanted || wanted === '0.0.0.0' || wanted === '::') return '127.0.0.1';
  return isIPv6(wanted) ? `[${wanted}]` : wanted;
}
