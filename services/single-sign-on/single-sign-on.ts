// What the parts of single sign-on have in common, opened once per process.
import type { Egress } from '../egress/egress.ts';
import { SignedIds } from '../platform/signed-ids.ts';
import { OpenId } from './openid.ts';

export interface SingleSignOn {
  readonly openId: OpenId;
  readonly links: SignedIds;
}

export function openSingleSignOn(egress: Egress, publicUrl: string, linkSecret: string): SingleSignOn {
  return { openId: new OpenId(egress, publicUrl), links: new SignedIds('identity_link', linkSecret) };
}
