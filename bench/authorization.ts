// `npm run bench:authorization`: what it costs to find out whether somebody may (domain/authorization.ts, api/routes/authorize.ts), for each guarded route
// as each role, those who are let in and those who are refused apart. Whose a thing is and who is a member PostgreSQL says, by primary keys: here it
// has said so already. A missed bar is a result.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { ROUTES } from '../api/app.ts';
import { type Asked, requireAnyRight, requireRight } from '../api/routes/authorize.ts';
import { MEMBER_ROLES, type MemberRole, STAFF_ROLES, type StaffRole } from '../domain/authorization.ts';
import { TollgateError } from '../domain/errors.ts';
import type { SignedIn } from '../services/accounts/sessions.ts';
import type { Queryable } from '../services/platform/postgres.ts';
import { median, rounded } from './results.ts';
import { atMost, type Line, printed } from './table.ts';

const MOST_MICROS = 20;
const ROUNDS = 15;
const CHECKS_IN_A_ROUND = 50_000;
const PERSON_ID = '0193f000-0000-7000-8000-000000000001';

interface Check {
  readonly db: Queryable;
  readonly person: SignedIn;
  readonly asked: Asked;
}

await main();

async function main(): Promise<void> {
  const allowed: Check[] = [];
  const refused: Check[] = [];
  for (const check of everyCheck()) ((await isAllowed(check)) ? allowed : refused).push(check);
  const allowedCpuMicros = await cpuMicrosOf(allowed);
  const refusedCpuMicros = await cpuMicrosOf(refused);

  const line = (name: string, value: number): Line => ({ name, value, beside: null, bar: atMost(value, MOST_MICROS) });
  const box = {
    ...{ cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: cpus().length, node: process.version },
    ...{ allowed: allowed.length, refused: refused.length, loadAverage: loadavg()[0]?.toFixed(2) ?? '' },
  };
  const out = join(import.meta.dirname, 'out');
  mkdirSync(out, { recursive: true });
  writeFileSync(
    join(out, 'authorization.json'),
    `${JSON.stringify({ box, allowedCpuMicros, refusedCpuMicros }, null, 2)}\n`,
  );
  const facts = Object.entries(box).map(([name, value]) => `${name.padEnd(14)}  ${value}`);
  const lines = [line('allowedCpuMicros', allowedCpuMicros), line('refusedCpuMicros', refusedCpuMicros)];
  process.stdout.write(`${facts.join('\n')}\n\n${printed(lines, null)}\n`);
}

function* everyCheck(): Generator<Check> {
  for (const { permission, staffFields } of ROUTES) {
    if (permission === null) continue;
    const belonging = { orgId: PERSON_ID, memberId: PERSON_ID };
    const asked = { permission, belonging, staffFields, body: { name: 'Acme', reason: 'as agreed' } };
    for (const role of STAFF_ROLES) yield { db: knowing(null), person: somebody([role]), asked };
    for (const role of [...MEMBER_ROLES, null]) yield { db: knowing(role), person: somebody([]), asked };
  }
}

function somebody(staffRoles: readonly StaffRole[]): SignedIn {
  const standing = { hasSecondFactor: true, mustEnrol: false, confinedTo: null };
  return { ...standing, sessionId: PERSON_ID, personId: PERSON_ID, staffRoles, signedInAt: new Date(0) };
}

/** As which he belongs to the organization. */
function knowing(role: MemberRole | null): Queryable {
  const answer = { rows: role === null ? [] : [{ role }] };
  return Object.assign(Object.create(null), { query: async () => answer });
}

async function isAllowed({ db, person, asked }: Check): Promise<boolean> {
  try {
    requireAnyRight(person, asked.permission);
    await requireRight(db, person, asked);
    return true;
  } catch (error) {
    if (error instanceof TollgateError) return false;
    throw error;
  }
}

/** CPU of one check: the median of rounds. */
async function cpuMicrosOf(checks: readonly Check[]): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = process.cpuUsage();
    let done = 0;
    while (done < CHECKS_IN_A_ROUND) {
      for (const check of checks) await isAllowed(check);
      done += checks.length;
    }
    const { user, system } = process.cpuUsage(before);
    rounds.push((user + system) / done);
  }
  return rounded(median(rounds), 2);
}
