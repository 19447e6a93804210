// Where the links of our mails lead. The browser tests open the same ones: a link that is put together a second time there would be right only there.
import type { MailSite } from '../services/notifications/mails/content.ts';
import { WelcomeLinks } from '../services/onboarding/welcome.ts';
import { PayLinks } from '../services/payments/pay-links.ts';
import { InvitationLinks } from '../services/people/invitations.ts';
import { VerifyLinks } from '../services/people/verifications.ts';
import { SignedIds } from '../services/platform/signed-ids.ts';

/** @param runbookUrl for the staff: docs/operations.md */
export function mailSite(publicUrl: string, linkSecret: string, runbookUrl: string): MailSite {
  const console = `${publicUrl}/console`;
  const signUps = new SignedIds('sign_up', linkSecret);
  const resets = new SignedIds('password_reset', linkSecret);
  const mailChanges = new SignedIds('mail_change', linkSecret);
  const closings = new SignedIds('closing', linkSecret);
  const identityLinks = new SignedIds('identity_link', linkSecret);
  return {
    accountUrl: `${console}/`,
    applicationUrl: (orgId) => `${console}/o/${orgId}/enterprise`,
    payUrl: new PayLinks(publicUrl, linkSecret).urlOf,
    verifyUrl: new VerifyLinks(publicUrl, linkSecret).urlOf,
    invitationUrl: new InvitationLinks(publicUrl, linkSecret).urlOf,
    // Behind the #, which browsers send nobody: the link opens an account.
    resetUrl: (resetId) => `${console}/password-reset#${resets.linkTokenOf(resetId)}`,
    mailBackUrl: (mailChangeId) => `${console}/mail-back#${mailChanges.linkTokenOf(mailChangeId)}`,
    reopenUrl: (closingId) => `${console}/reopen#${closings.linkTokenOf(closingId)}`,
    identityLinkUrl: (linkId) => `${console}/connect#${identityLinks.linkTokenOf(linkId)}`,
    teamUrl: (orgId) => `${console}/o/${orgId}/team`,
    keysUrl: (orgId) => `${console}/o/${orgId}/keys`,
    mailChangeCode: (mailChangeId) => mailChanges.codeOf(mailChangeId),
    signUpCode: (signUpId) => signUps.codeOf(signUpId),
    welcomeUrl: new WelcomeLinks(publicUrl, linkSecret).urlOf,
    reviewUrl: (applicationId) => `${console}/staff/applications/${applicationId}`,
    staffKeysUrl: `${console}/staff/keys`,
    runbookUrl,
  };
}
