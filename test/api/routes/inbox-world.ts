// What the tests of the inbox share: whoever reads it, and somebody who has applied.
import { FORM } from '../../services/onboarding/desk.ts';
import { type Answered, done, type ManagementApp } from './management-app.ts';
import { type Somebody, signedInAs } from './signed-in-as.ts';

export interface Item {
  readonly id: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}

export function inboxWorld(app: ManagementApp) {
  function as({ cookie }: Somebody, method: string, path: string, body?: object): Promise<Answered> {
    const sent = { credential: null, headers: { cookie, origin: app.url } };
    return app.call(method, `/api/v1${path}`, body === undefined ? sent : { ...sent, body });
  }
  return {
    as,

    async inboxOf(who: Somebody): Promise<Item[]> {
      return done(await as(who, 'get', '/inbox')).list('data') as Item[];
    },

    async applied(form: object = FORM) {
      const orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Initech' } })).string('id');
      const owner = await signedInAs(app, { member: { orgId, role: 'owner' } });
      const path = `/organizations/${orgId}/applications`;
      const id = done(await as(owner, 'post', path, { form })).string('id');
      done(await as(owner, 'post', `${path}/${id}/submit`, {}));
      return { id, orgId, owner, path: `${path}/${id}` };
    },
  };
}
