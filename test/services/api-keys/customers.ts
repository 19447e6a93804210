// Organizations and API keys as rows, for tests of what reads them.
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { digestOf, newCredential } from '../../../services/api-keys/credential.ts';

export interface Customer {
  readonly orgId: string;
  readonly projectId: string;
}

export async function newCustomer(db: Pool): Promise<Customer> {
  const [orgId, projectId] = [randomUUID(), randomUUID()];
  await db.query('insert into organizations (id, name) values ($1, $2)', [orgId, 'Acme']);
  await db.query('insert into projects (id, org_id, name) values ($1, $2, $3)', [projectId, orgId, 'default']);
  return { orgId, projectId };
}

export async function newApiKey(db: Pool, { orgId, projectId }: Customer): Promise<{ id: string; digest: string }> {
  const id = randomUUID();
  const { credential, digest, prefix, lastFour } = newCredential();
  await db.query(
    `insert into api_keys (id, org_id, project_id, name, digest, prefix, last_four) values ($1, $2, $3, 'ci', $4, $5, $6)`,
    [id, orgId, projectId, digest, prefix, lastFour],
  );
  return { id, digest: digestOf(credential) };
}
