// Who looks at an organization as its owner sees it says so with each call, by this header. Then nothing can be changed, whatever else he may do, and
// nothing is shown but of that organization and to whom its owner may see it (D105).
import type { IncomingHttpHeaders } from 'node:http';
import { isStaffAllowed, memberReach } from '../../domain/authorization.ts';
import { TollgateError } from '../../domain/errors.ts';
import type { SignedIn } from '../../services/accounts/sessions.ts';
import { isViewing } from '../../services/customers/views.ts';
import type { Belonging } from '../../services/organizations/owners.ts';
import type { Queryable } from '../../services/platform/postgres.ts';
import type { Route } from './route.ts';

const VIEW_HEADER = 'tollgate-view';

interface Asked {
  readonly route: Pick<Route, 'permission' | 'changes'>;
  readonly belonging: Belonging;
  readonly headers: IncomingHttpHeaders;
}

/** The organization at which he looks; null: he does not say so. @throws TollgateError forbidden */
export async function requireView(
  db: Queryable,
  person: SignedIn,
  { route, belonging, headers }: Asked,
): Promise<string | null> {
  const viewed = headers[VIEW_HEADER];
  if (viewed === undefined) return null;
  if (!isStaffAllowed('customer.view', person.staffRoles)) throw refusal('Only our staff looks at an organization so.');
  const { permission, changes } = route;
  if (changes) throw refusal('You look at this organization as its owner sees it: nothing is changed here.');
  if (permission === null || memberReach(permission, 'owner') === null || belonging.orgId !== viewed) {
    throw refusal('This is nothing that the owner of the organization sees at which you look.');
  }
  if (await isViewing(db, person.personId, belonging.orgId)) return belonging.orgId;
  throw refusal(`Say first why you look at it: POST /api/v1/organizations/${viewed}/views. That lasts an hour.`);
}

function refusal(message: string): TollgateError {
  return new TollgateError('forbidden', { message });
}
