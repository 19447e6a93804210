// Those who decide read what was submitted and not what is being written, with everything that was said and decided, and with hints from other
// applications.
import { expect, test } from '@jest/globals';
import { listApplications, lockedApplication } from '../../../services/onboarding/application-rows.ts';
import { addMessage, saveDraft } from '../../../services/onboarding/applications.ts';
import { applicationFile } from '../../../services/onboarding/inbox.ts';
import { openPlanShop } from '../subscriptions/plan-shop.ts';
import { Desk, EVE, FORM, person } from './desk.ts';

const shop = await openPlanShop();
const desk = new Desk(shop.db, shop.admin);

test('it has what was submitted, the thread, the decisions and whose time runs until when', async () => {
  const id = await desk.newApplication();
  const reminded = (await applicationFile(desk.db, id, EVE.actor)).deadline;
  await desk.asks(EVE, id);
  await desk.look(id);
  await desk.in((tx) => addMessage(tx, id, { side: 'applicant', body: 'DE123' }, person()));
  await desk.in(async (tx) => saveDraft(tx, await lockedApplication(tx, id), { ...FORM, company: 'Other' }, person()));

  const { submitted, thread, decisions, deadline } = await applicationFile(desk.db, id, EVE.actor);

  expect(submitted).toEqual(FORM);
  expect(thread).toMatchObject([{ side: 'applicant', body: 'DE123' }]);
  expect(decisions).toMatchObject([{ kind: 'ask', actor: EVE.actor }]);
  // From Friday, 1 January to Monday; and fourteen days of any kind.
  expect([reminded, deadline]).toEqual([new Date('2027-01-04T00:00:00Z'), new Date('2027-01-15T00:00:00Z')]);
});

test('it hints at who is named alike, and at who applied before', async () => {
  const orgId = await desk.newOrganization();
  const owner = await desk.owner(orgId);
  const before = await desk.applied(orgId, owner, { ...FORM, company: 'Hooli', domain: 'hooli.example' });
  await desk.withdraw(before, owner);
  await desk.newApplication({ ...FORM, company: 'Globex, Inc.', domain: 'globex.example' });
  const id = await desk.applied(orgId, owner, { ...FORM, company: 'Globex Inc', domain: 'x.example' });

  const { hints } = await applicationFile(desk.db, id, EVE.actor);

  expect(hints.map(({ kind }) => kind)).toEqual(['mail_of_another_domain', 'same_company_elsewhere', 'applied_before']);
});

test('what waits is listed by its stage, the newest first, page by page', async () => {
  const [one, two, three] = [await desk.newApplication(), await desk.newApplication(), await desk.newApplication()];
  await desk.rejects(EVE, two);
  await desk.look(two);
  const listed = async (after: string | null) =>
    (await listApplications(desk.db, { stage: 'in_review' }, after, 1)).map(({ id }) => id);

  const first = await listed(null);

  expect([first, await listed(three)]).toEqual([[three], [one]]);
});
