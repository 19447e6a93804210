// An invoice is made out as things stood when it was made, whatever is corrected afterwards.
import { expect, test } from '@jest/globals';
import {
  billingSnapshot,
  changeBillingDetails,
  lockedBillingDetails,
} from '../../../services/people/billing-details.ts';
import { people } from './organization.ts';

const { inTransaction, newOrganization } = await people();

const ADDRESS = { line1: '1 Main St', line2: null, city: 'Cork', postalCode: null, region: null, country: 'IE' };

test('the snapshot is plain JSON that later corrections leave alone', async () => {
  const orgId = await newOrganization(1);
  const change = (wanted: object) =>
    inTransaction(async (tx) => changeBillingDetails(tx, await lockedBillingDetails(tx, orgId), wanted));
  await change({ legalName: 'Acme Ltd', address: ADDRESS, taxId: 'IE6388047V', poNumber: 'PO 7' });

  const frozen = await inTransaction((tx) => billingSnapshot(tx, orgId));
  await change({ legalName: 'Acme plc', address: { ...ADDRESS, city: 'Dublin' } });

  const told = {
    legalName: 'Acme Ltd',
    address: ADDRESS,
    taxId: 'IE6388047V',
    taxExempt: false,
    poNumber: 'PO 7',
    billingEmail: null,
  };
  expect(JSON.parse(JSON.stringify(frozen))).toEqual({ ...told, version: 2 });
  expect(await inTransaction((tx) => billingSnapshot(tx, orgId))).toMatchObject({ legalName: 'Acme plc', version: 3 });
});

test('an organization that has given nothing is named as it is called', async () => {
  const orgId = await newOrganization(1);

  const snapshot = await inTransaction((tx) => billingSnapshot(tx, orgId));

  expect(snapshot).toMatchObject({ legalName: 'Acme', address: null, version: 1 });
});
