// What somebody can see and change about himself: who he is, how he gets in, where he is signed in and belongs; and the end of it.
import { useMe } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { ClosingPart } from '../parts/closing-part.tsx';
import { DataPart } from '../parts/data-part.tsx';
import { IdentitiesPart } from '../parts/identities-part.tsx';
import { MailPart } from '../parts/mail-part.tsx';
import { OrganizationsPart } from '../parts/organizations-part.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { PasskeysPart } from '../parts/passkeys-part.tsx';
import { PasswordPart } from '../parts/password-part.tsx';
import { ProfilePart } from '../parts/profile-part.tsx';
import { SecondFactorPart } from '../parts/second-factor-part.tsx';
import { SessionsPart } from '../parts/sessions-part.tsx';

export function Account() {
  const t = useWords();
  const { enrolled, required } = useMe().secondFactor;
  // He was led here for it, and nothing else opens before.
  const isFirst = required && !enrolled;
  return (
    <>
      <PageHeading title={t('account.title')} />
      {isFirst ? <SecondFactorPart /> : null}
      <ProfilePart />
      <MailPart />
      <PasswordPart />
      {isFirst ? null : <SecondFactorPart />}
      <PasskeysPart />
      <IdentitiesPart />
      <SessionsPart />
      <OrganizationsPart />
      <DataPart />
      <ClosingPart />
    </>
  );
}
