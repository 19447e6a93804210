// From where the API keys of an organization may be used, whatever each of them allows besides. Whoever signs in may do so from everywhere: nobody shuts
// himself out here.
import { Textarea } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { areRanges, listOf, textOf } from '../address-ranges.ts';
import { api, told } from '../api/client.ts';
import { type Organization, organizationQuery } from '../api/organization-questions.ts';
import { useMe } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { mayBound, roleIn } from '../rights.ts';
import { Asked } from './asked.tsx';
import { Form, useForm } from './form.tsx';
import { Saved } from './profile-part.tsx';

export function AddressListPart({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  const question = useQuery(organizationQuery(orgId));
  const role = roleIn(useMe(), orgId);
  return (
    <section className="part" aria-labelledby="addresses">
      <h2 id="addresses">{t('addressList.title')}</h2>
      <p className="quiet">{t('addressList.lead')}</p>
      <Asked question={question} height={120}>
        {(organization) =>
          mayBound(role) ? (
            <AddressForm organization={organization} />
          ) : (
            <p>{organization.allowedAddresses?.join(', ') ?? t('addressList.everywhere')}</p>
          )
        }
      </Asked>
    </section>
  );
}

function AddressForm({
  organization: { id, allowedAddresses, ...organization },
}: {
  readonly organization: Organization;
}) {
  const t = useWords();
  const queries = useQueryClient();
  // What he has seen, not what somebody wrote meanwhile.
  const [version, setVersion] = useState(organization.version);
  const form = useForm({
    initial: { allowedAddresses: textOf(allowedAddresses) },
    check: (entered) => ({
      allowedAddresses: areRanges(entered.allowedAddresses) ? null : t('fields.allowedAddresses'),
    }),
    send: (entered) => {
      const params = { path: { orgId: id }, header: { 'If-Match': `"${version}"` } };
      const body = { allowedAddresses: listOf(entered.allowedAddresses) };
      return told(api.PATCH('/api/v1/organizations/{orgId}/allowed-addresses', { params, body }));
    },
    done: (saved) => {
      setVersion(saved.version);
      return queries.invalidateQueries(organizationQuery(id));
    },
  });
  return (
    <Form form={form} submit={t('profile.save')} beside={<Saved isSaved={form.isDone} />}>
      <Textarea
        {...form.input('allowedAddresses')}
        label={t('bounds.addresses')}
        description={t('addressList.more')}
        rows={3}
        spellCheck={false}
      />
    </Form>
  );
}
