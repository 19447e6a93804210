// Where somebody goes after signing in. An address comes from whoever made the link: only a path of our own is followed.
const US = 'https://console.invalid';
const FIRST_PAGE = '/';

/** Below /console. */
export function ownPath(asked: unknown): string {
  if (typeof asked !== 'string' || !asked.startsWith('/') || !URL.canParse(asked, US)) return FIRST_PAGE;
  const { origin, pathname, search, hash } = new URL(asked, US);
  // "//elsewhere", "/\elsewhere" and a tab in between all lead elsewhere in a browser; ".." may uncover another "//".
  return origin === US && !pathname.startsWith('//') ? pathname + search + hash : FIRST_PAGE;
}

/** Whether he comes by the link of an invitation. next: where he goes after signing in. */
export function isInvited(next: string | undefined): boolean {
  return next?.startsWith('/join/') === true;
}
