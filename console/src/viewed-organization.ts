// Whose pages somebody of our staff looks at as their owner sees them, in this tab. The API is told with each call, and holds him to it.
const VIEWED = 'tollgate-view:';
const PAGES_OF_ONE = /\/o\/([0-9a-f-]{36})(?:\/|$)/;

/** Null: he has not said why, or it is too long ago. */
export function viewEndsAt(orgId: string): number | null {
  const endsAt = Date.parse(sessionStorage.getItem(VIEWED + orgId) ?? '');
  return endsAt > Date.now() ? endsAt : null;
}

export function beginView(orgId: string, validUntil: string): void {
  sessionStorage.setItem(VIEWED + orgId, validUntil);
}

export function endView(orgId: string): void {
  sessionStorage.removeItem(VIEWED + orgId);
}

/** Null: these are pages of his own. */
export function viewedHere(): string | null {
  const [, orgId] = PAGES_OF_ONE.exec(location.pathname) ?? [];
  return orgId !== undefined && viewEndsAt(orgId) !== null ? orgId : null;
}
