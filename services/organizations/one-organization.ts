// The database as a member of one organization sees it: PostgreSQL shows and takes rows of that one alone (migrations/0019, D42), also to a
// query that forgot to ask for them.
import type { Pool, PoolClient } from 'pg';

/** Of a pool that has a login as tollgate_members: each connection is told whose member calls as it is handed out. */
export function ofOneOrganization(members: Pool, orgId: string): Pool {
  const connect = async (): Promise<PoolClient> => {
    const client = await members.connect();
    try {
      await client.query(`select set_config('tollgate.organization', $1, false)`, [orgId]);
    } catch (error) {
      client.release(true);
      throw error;
    }
    return client;
  };
  const query = async (text: string, values?: unknown[]) => {
    const client = await connect();
    try {
      return await client.query(text, values);
    } finally {
      client.release();
    }
  };
  return Object.create(members, { connect: { value: connect }, query: { value: query } }) as Pool;
}
