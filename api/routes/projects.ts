// Projects: parts of an organization with caps, addresses and, where it is an enterprise, prices of their own.
import { z } from 'zod';
import { SECOND_PERSON_BELOW_PPM } from '../../domain/onboarding.ts';
import { lockedOrganization } from '../../services/organizations/organizations.ts';
import { ownerOf } from '../../services/organizations/owners.ts';
import { agreeOnPrice } from '../../services/projects/project-prices.ts';
import {
  changeProject,
  createProject,
  listProjects,
  lockedProject,
  project,
} from '../../services/projects/projects.ts';
import {
  addressRanges,
  caps,
  instant,
  name,
  reason,
  shownAddresses,
  shownCaps,
  uuid,
  version,
} from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { requireSeen } from './reply.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const Project = z
  .object({
    id: uuid,
    orgId: uuid,
    name: z.string(),
    caps: shownCaps,
    allowedAddresses: shownAddresses.meta({
      description:
        'From where its API keys may be used, beside what each and the organization say; null: from everywhere',
    }),
    priceOfListPpm: z
      .int()
      .nullable()
      .meta({ description: 'As agreed for it alone, in millionths of list price; null: as for the organization' }),
    costsOfListPpm: z.int().meta({
      description: 'What its requests cost now where no included credit covers them, in millionths of list price',
    }),
    version,
    createdAt: instant,
  })
  .meta({ id: 'Project' });

const byId = z.object({ id: uuid });
const projects = { name: 'projects', position: uuid, positionOf: ({ id }: { id: string }) => id };

export const projectRoutes: readonly Route[] = [
  adminChange({
    method: 'post',
    path: '/api/v1/projects',
    permission: 'project.change',
    of: ({ body }) => body,
    summary: 'Make a project',
    params: none,
    status: 201,
    body: z.strictObject({
      orgId: uuid,
      name,
      caps: caps.default([]),
      allowedAddresses: addressRanges.nullable().default(null),
    }),
    response: Project,
    handler: ({ body }, _app, change) =>
      change(async (tx) => {
        await lockedOrganization(tx, body.orgId);
        const answer = await createProject(tx, body);
        return {
          answer,
          audit: { action: 'project.created', targetKind: 'project', targetId: answer.id, after: answer },
        };
      }),
  }),
  adminRead({
    path: '/api/v1/projects',
    permission: 'project.read',
    of: ({ query }) => query,
    summary: 'Projects, newest first',
    params: none,
    query: z.strictObject({ ...pageQuery, orgId: uuid.optional() }),
    response: pageOf(Project),
    handler: ({ query }, { db }) =>
      onePage(projects, query, (after, pageSize) => listProjects(db, query.orgId, after, pageSize)),
  }),
  adminRead({
    path: '/api/v1/projects/{id}',
    permission: 'project.read',
    of: ({ params }, db) => ownerOf(db, 'project', params.id),
    summary: 'One project',
    query: none,
    params: byId,
    response: Project,
    handler: ({ params }, { db }) => project(db, params.id),
  }),
  adminChange({
    method: 'patch',
    path: '/api/v1/projects/{id}',
    permission: 'project.change',
    of: ({ params }, db) => ownerOf(db, 'project', params.id),
    summary: 'Change a project',
    ifMatch: 'required',
    params: byId,
    body: z.strictObject({
      name: name.optional(),
      caps: caps.optional(),
      allowedAddresses: addressRanges.nullable().optional(),
    }),
    response: Project,
    handler: ({ params, body, ifMatch }, _app, change) =>
      change(async (tx) => {
        // Caps count under the organization's lock, which comes first everywhere.
        await lockedOrganization(tx, (await project(tx, params.id)).orgId);
        const before = await lockedProject(tx, params.id);
        requireSeen(ifMatch, before);
        const answer = await changeProject(tx, before, body);
        return {
          answer,
          audit: { action: 'project.changed', targetKind: 'project', targetId: answer.id, before, after: answer },
        };
      }),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/projects/{id}/prices',
    permission: 'contract.change',
    twoPersons: async ({ body: { priceOfListPpm } }) =>
      priceOfListPpm !== null && priceOfListPpm < SECOND_PERSON_BELOW_PPM ? 'a price below 84.2 % of list' : null,
    of: ({ params }, db) => ownerOf(db, 'project', params.id),
    summary: 'Agree with an enterprise on what requests of one sub-account cost',
    ifMatch: 'required',
    params: byId,
    body: z.strictObject({
      priceOfListPpm: z
        .int()
        .min(1)
        .max(10_000_000)
        .nullable()
        .meta({ description: 'Millionths of list price, at most what the contract says; null: what it says' }),
      reason,
    }),
    response: Project,
    handler: ({ params, body, ifMatch }, _app, change) =>
      change(async (tx) => {
        await lockedOrganization(tx, (await project(tx, params.id)).orgId);
        const before = await lockedProject(tx, params.id);
        requireSeen(ifMatch, before);
        const answer = await agreeOnPrice(tx, before, body.priceOfListPpm);
        const what = { action: 'project.priced', targetKind: 'project', targetId: answer.id } as const;
        return { answer, audit: { ...what, before, after: answer, reason: body.reason } };
      }),
  }),
];
