// An organization that this session does not reach, and how it is reached.
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { Me } from '../api/answers.ts';
import { useWords } from '../messages/language.ts';
import { PageHeading } from './page-heading.tsx';

type Membership = Me['memberships'][number];

interface Barrier extends Pick<Membership, 'orgId' | 'orgName'> {
  readonly why: NonNullable<Membership['barrier']>;
}

export function Barrier({ orgId, orgName, why }: Barrier) {
  const t = useWords();
  const search = { next: `/o/${orgId}` };
  return (
    <>
      <PageHeading title={orgName} lead={t(`barrier.${why}`)} />
      <Button
        renderRoot={(props) =>
          why === 'single_sign_on' ? (
            <Link to="/single-sign-on" search={search} {...props} />
          ) : (
            <Link to="/sign-in" search={search} {...props} />
          )
        }
      >
        {t(`barrier.go.${why}`)}
      </Button>
    </>
  );
}
