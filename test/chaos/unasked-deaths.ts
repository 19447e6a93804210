// What died although the campaign had not laid hands on it: by itself, and therefore by a mistake.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KillEvent } from './kill-log.ts';
import type { Product } from './product.ts';

export function unaskedDeaths(product: Product, events: readonly KillEvent[]): string[] {
  const services = [product.redis, product.demo, ...product.installations.map(({ process }) => process)];
  const handled = new Set(events.map(({ pid }) => pid));
  const gateways = product.installations.flatMap(({ process }) =>
    deathsIn(join(product.folder, 'logs', `${process.name}.log`)),
  );
  return [
    ...services.flatMap(({ deaths }) => deaths.filter(({ pid }) => !handled.has(pid)).map(({ how }) => how)),
    ...gateways
      .filter(({ pid }) => !handled.has(pid))
      .map(({ pid, code, signal }) => `gateway ${pid} (${signal ?? code})`),
  ];
}

interface GatewayDeath {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: string | null;
}

/** The supervisor logs the death of a gateway that it had not told to leave. */
export function deathsIn(log: string): GatewayDeath[] {
  const lines = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"gateway_died"'));
  return lines.map((line) => JSON.parse(line) as GatewayDeath);
}
