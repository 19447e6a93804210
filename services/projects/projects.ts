// Projects divide an organization's keys and caps. A key made without a project lives in the one named "default". To an enterprise they are its
// sub-accounts, which may have prices of their own (project-prices.ts).
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { type Cap, type CapJson, type CapOwner, capsColumn, readCaps, replaceCaps } from '../organizations/caps.ts';
import { newId } from '../platform/ids.ts';
import { networks } from '../platform/networks.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface Project {
  readonly id: string;
  readonly orgId: string;
  readonly name: string;
  readonly caps: readonly Cap[];
  /** From where its API keys may be used, beside what each and the organization say; null: from everywhere. */
  readonly allowedAddresses: readonly string[] | null;
  /** As agreed for it alone, in millionths of list price; null: as for the whole organization. */
  readonly priceOfListPpm: number | null;
  /** What its requests cost now where no included credit covers them. */
  readonly costsOfListPpm: number;
  readonly version: number;
  readonly createdAt: Date;
}

interface ProjectRow extends Omit<Project, 'caps'> {
  readonly caps: readonly CapJson[];
}

export interface NewProject {
  readonly orgId: string;
  readonly name: string;
  readonly caps: readonly Cap[];
  readonly allowedAddresses: readonly string[] | null;
}

export type ProjectChange = { readonly [F in keyof Omit<NewProject, 'orgId'>]?: NewProject[F] | undefined };

const PROJECTS = `
  select p.id, p.org_id as "orgId", p.name, ${capsColumn('project', 'p.org_id', 'p.id')} as caps,
         p.allowed_addresses::text[] as "allowedAddresses", p.price_of_list_ppm as "priceOfListPpm",
         coalesce(rate_beyond_included(o.plan_version_id, p.id), 1000000) as "costsOfListPpm", p.version, p.created_at as "createdAt"
    from projects p join organizations o on o.id = p.org_id`;

export async function createProject(
  tx: PoolClient,
  { orgId, name, caps, allowedAddresses }: NewProject,
): Promise<Project> {
  await refuseTakenName(tx, orgId, name);
  const id = newId();
  await tx.query(`insert into projects (id, org_id, name, allowed_addresses) values ($1, $2, $3, ${networks('$4')})`, [
    id,
    orgId,
    name,
    allowedAddresses,
  ]);
  await replaceCaps(tx, ownerOf(orgId, id), caps);
  return project(tx, id);
}

export async function changeProject(
  tx: PoolClient,
  before: Project,
  { name = before.name, allowedAddresses = before.allowedAddresses, caps }: ProjectChange,
): Promise<Project> {
  if (name !== before.name) await refuseTakenName(tx, before.orgId, name);
  await tx.query(
    `update projects set name = $2, allowed_addresses = ${networks('$3')}, version = version + 1 where id = $1`,
    [before.id, name, allowedAddresses],
  );
  if (caps !== undefined) await replaceCaps(tx, ownerOf(before.orgId, before.id), caps);
  return project(tx, before.id);
}

/**
 * Where a key belongs: the project that was named, or "default", made when missing.
 * @throws TollgateError invalid_body for a project that is not the organization's
 */
export async function projectForKey(tx: PoolClient, orgId: string, projectId: string | undefined): Promise<string> {
  if (projectId === undefined) return defaultProject(tx, orgId);
  const { rowCount } = await tx.query('select from projects where id = $1 and org_id = $2', [projectId, orgId]);
  if (rowCount === 1) return projectId;
  throw new TollgateError('invalid_body', {
    message: `Organization ${orgId} has no project ${projectId}; leave projectId out to use its project "default".`,
    param: 'projectId',
  });
}

async function defaultProject(tx: PoolClient, orgId: string): Promise<string> {
  await tx.query(`insert into projects (id, org_id, name) values ($1, $2, 'default') on conflict do nothing`, [
    newId(),
    orgId,
  ]);
  const { rows } = await tx.query<{ id: string }>(`select id from projects where org_id = $1 and name = 'default'`, [
    orgId,
  ]);
  const [found] = rows;
  if (found === undefined) throw new Error(`organization ${orgId} has no default project after it was made`);
  return found.id;
}

export async function project(db: Queryable, id: string): Promise<Project> {
  const { rows } = await db.query<ProjectRow>(`${PROJECTS} where p.id = $1`, [id]);
  return readProject(rows[0] ?? unknown(id));
}

/** What was agreed for single ones ends with the contract that it was agreed under. The caller holds the organization. */
export async function endProjectPrices(tx: PoolClient, orgId: string): Promise<void> {
  await tx.query(
    `update projects set price_of_list_ppm = null, version = version + 1
      where org_id = $1 and price_of_list_ppm is not null`,
    [orgId],
  );
}

export async function lockedProject(tx: PoolClient, id: string): Promise<Project> {
  await tx.query('select from projects where id = $1 for update', [id]);
  return project(tx, id);
}

/** Newest first. */
export async function listProjects(
  db: Queryable,
  orgId: string | undefined,
  after: string | null,
  pageSize: number,
): Promise<Project[]> {
  const { rows } = await db.query<ProjectRow>(
    `${PROJECTS}
      where ($1::uuid is null or p.org_id = $1)
        and ($2::uuid is null or (p.created_at, p.id) < (select a.created_at, a.id from projects a where a.id = $2))
      order by p.created_at desc, p.id desc
      limit $3`,
    [orgId, after, pageSize],
  );
  return rows.map(readProject);
}

function readProject(row: ProjectRow): Project {
  return { ...row, caps: readCaps(row.caps) };
}

function unknown(id: string): never {
  throw new TollgateError('not_found', { message: `There is no project ${id}.`, param: 'projectId' });
}

function ownerOf(orgId: string, projectId: string): CapOwner {
  return { orgId, scope: 'project', scopeId: projectId };
}

async function refuseTakenName(tx: PoolClient, orgId: string, name: string): Promise<void> {
  const { rowCount } = await tx.query('select from projects where org_id = $1 and name = $2', [orgId, name]);
  if (rowCount === 0) return;
  throw new TollgateError('conflict', {
    message: `Organization ${orgId} already has a project named "${name}"; choose another name.`,
    param: 'name',
  });
}
