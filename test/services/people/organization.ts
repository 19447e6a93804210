// An organization with members, made by the services as the worker role: what they may not write, they cannot.
import { randomUUID } from 'node:crypto';
import { afterAll } from '@jest/globals';
import type { Pool, PoolClient } from 'pg';
import type { MemberRole } from '../../../domain/authorization.ts';
import { addMember, changeMember, lockedMember, type MemberChange } from '../../../services/people/memberships.ts';
import { createPerson } from '../../../services/people/persons.ts';
import { restoreWithinSeats, suspendAboveSeats } from '../../../services/people/seats.ts';
import { createPool, inTransaction } from '../../../services/platform/postgres.ts';
import { ownDatabase } from '../../support/own-database.ts';

export interface People {
  /** As superuser. */
  readonly admin: Pool;
  readonly worker: Pool;
  inTransaction<T>(work: (tx: PoolClient) => Promise<T>): Promise<T>;
  newOrganization(seats: number | null): Promise<string>;
  newPerson(): Promise<string>;
  /** A new person each, in this order; answers who they are. */
  join(orgId: string, ...roles: MemberRole[]): Promise<string[]>;
  change(orgId: string, personId: string, change: MemberChange): Promise<void>;
  /** As a change of plan does it. */
  haveSeats(
    orgId: string,
    seats: number | null,
  ): Promise<{ readonly suspended: string[]; readonly restored: string[] }>;
  /** Of all members, in the order in which they came. */
  statuses(orgId: string): Promise<string[]>;
}

/** Called once, at the top of the file. */
export async function people(): Promise<People> {
  const { database, admin } = await ownDatabase();
  const worker = createPool(database.urlFor('worker'), {
    name: 'people',
    maxConnections: 8,
    statementTimeoutMs: 5_000,
  });
  afterAll(() => worker.end());
  const within = <T>(work: (tx: PoolClient) => Promise<T>) => inTransaction(worker, work);
  const newPerson = () =>
    within(async (tx) => {
      const email = `${randomUUID()}@example.com`;
      return (await createPerson(tx, { email, name: 'Somebody', locale: 'en', timeZone: 'UTC' })).id;
    });
  return {
    admin,
    worker,
    inTransaction: within,
    newPerson,
    async newOrganization(seats) {
      const id = randomUUID();
      await admin.query(`insert into organizations (id, name, seats) values ($1, 'Acme', $2)`, [id, seats]);
      return id;
    },
    async join(orgId, ...roles) {
      const joined: string[] = [];
      for (const role of roles) {
        const personId = await newPerson();
        await within((tx) => addMember(tx, orgId, personId, role));
        joined.push(personId);
      }
      return joined;
    },
    async change(orgId, personId, change) {
      await within(async (tx) => changeMember(tx, await lockedMember(tx, orgId, personId), change));
    },
    haveSeats: (orgId, seats) =>
      within(async (tx) => {
        await tx.query('update organizations set seats = $2 where id = $1', [orgId, seats]);
        return { suspended: await suspendAboveSeats(tx, orgId), restored: await restoreWithinSeats(tx, orgId) };
      }),
    async statuses(orgId) {
      const { rows } = await admin.query<{ status: string }>(
        'select status from memberships where org_id = $1 order by created_at, person_id',
        [orgId],
      );
      return rows.map(({ status }) => status);
    },
  };
}
