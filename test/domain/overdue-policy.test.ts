// One unpaid invoice: who is reminded, limited and stopped when, and what stands in the way.
import { describe, expect, test } from '@jest/globals';
import type { ChargeAttempt } from '../../domain/charges.ts';
import type { Interval } from '../../domain/intervals.ts';
import {
  type Notice,
  rungsAhead,
  standingOf,
  stopDecisionAskedAt,
  type UnpaidInvoice,
} from '../../domain/overdue-policy.ts';
import { DAY_MS, days, HOUR_MS, softDecline, unpaid, warned } from './overdue-facts.ts';

function stageAt(invoice: UnpaidInvoice, nowMs: number, incidents: readonly Interval[] = []): string {
  const { stage, planEndIsDue } = standingOf(invoice, incidents, nowMs);
  return planEndIsDue ? `${stage}, plan ends` : stage;
}

/** The mails as a sender would send them who looks only when he is told to, and once a day. */
function mailsOf(first: UnpaidInvoice, fromMs: number, toMs: number): string[] {
  const mails: string[] = [];
  let invoice = first;
  for (let nowMs = fromMs; nowMs < toMs; ) {
    const { dueNotices, nextMs } = standingOf(invoice, [], nowMs);
    for (const notice of dueNotices) {
      mails.push(`${nowMs / DAY_MS} ${notice}`);
      invoice = { ...invoice, handedOver: { ...invoice.handedOver, [notice]: nowMs } };
    }
    nowMs = Math.min(nextMs ?? toMs, nowMs + DAY_MS);
  }
  return mails;
}

const attempt = (askedAtMs: number, facts: Partial<ChargeAttempt> = {}): ChargeAttempt => ({
  number: 1,
  askedAtMs,
  doubtfulAtMs: null,
  answer: null,
  ...facts,
});

describe('an unpaid renewal', () => {
  test('M32: is limited on day 7 and ends the plan on day 14, to the millisecond, and is never stopped', () => {
    const invoice = warned();

    expect([days(7) - 1, days(7), days(14) - 1, days(14), days(400)].map((ms) => stageAt(invoice, ms))).toEqual([
      'none',
      'limited',
      'limited',
      'limited, plan ends',
      'limited, plan ends',
    ]);
    expect(standingOf(invoice, [], days(20)).sinceMs).toBe(days(7));
  });

  test('is reminded on days 0 and 3 and warned on days 6 and 13', () => {
    expect(mailsOf(unpaid(), 0, days(30))).toEqual([
      '0 first_reminder',
      '3 second_reminder',
      '6 limit_warning',
      '13 plan_end_warning',
    ]);
  });

  test('has before it what the ladder still holds, later by the time that was given', () => {
    const extended = warned({ extensions: [{ fromMs: days(4), toMs: days(6) }] });

    const ahead = rungsAhead(extended, [], days(10));

    expect(ahead.map(({ name, atMs }) => `${atMs / DAY_MS} ${name}`)).toEqual(['15 plan_end_warning', '16 end_plan']);
  });
});

describe('a postpaid invoice', () => {
  test('is limited fifteen days after it was due and stopped by nobody but a person', () => {
    const invoice = warned({ policy: 'postpaid' });
    const decided = { ...invoice, stopDecidedAtMs: days(35) };

    expect([days(15) - 1, days(15), days(400)].map((ms) => stageAt(invoice, ms))).toEqual([
      'none',
      'limited',
      'limited',
    ]);
    expect(stageAt(decided, days(35))).toBe('stopped');
  });

  test('is not stopped before its thirtieth day, though a person decided it earlier', () => {
    const hasty = warned({ policy: 'postpaid', stopDecidedAtMs: days(16) });

    expect([stageAt(hasty, days(30) - 1), stageAt(hasty, days(30))]).toEqual(['limited', 'stopped']);
  });

  test('is reminded from a week before it is due, and the staff is asked on day 30 and again after 24 and 72 hours', () => {
    expect(mailsOf(unpaid({ policy: 'postpaid' }), days(-10), days(60))).toEqual([
      '-7 first_reminder',
      '0 second_reminder',
      '7 third_reminder',
      '14 limit_warning',
      '29 stop_warning',
      '30 stop_decision_due',
      '31 stop_decision_late',
      '33 stop_decision_very_late',
    ]);
  });

  test('has a stop before it only when a person has decided so', () => {
    const undecided = warned({ policy: 'postpaid' });
    const ahead = (invoice: UnpaidInvoice) => rungsAhead(invoice, [], days(29)).map(({ name }) => name);

    expect(ahead(undecided)).toEqual(['stop_decision_due', 'stop_decision_late', 'stop_decision_very_late']);
    expect(ahead({ ...undecided, stopDecidedAtMs: days(20) })).toEqual(['stop']);
  });

  test('asks the staff nothing once it is decided', () => {
    const decided = warned({ policy: 'postpaid', stopDecidedAtMs: days(29) });

    expect(standingOf(decided, [], days(34)).dueNotices).toEqual([]);
  });
});

describe('the word of a person that a postpaid debt waits for', () => {
  const asked = warned({ policy: 'postpaid', handedOver: { stop_decision_late: days(31) } });

  test('is waited for since somebody was asked, also by the second mail, until he has decided or waived', () => {
    expect(stopDecisionAskedAt(warned({ policy: 'postpaid' }), days(35))).toBeNull();
    expect(stopDecisionAskedAt(asked, days(35))).toBe(days(31));
    expect(stopDecisionAskedAt({ ...asked, stopDecidedAtMs: days(34) }, days(35))).toBeNull();
    expect(stopDecisionAskedAt({ ...asked, waived: true }, days(35))).toBeNull();
  });

  test('is not waited for while time is given, and is again from the day on which that is over', () => {
    const extended = { ...asked, stopDecidedAtMs: days(31), extensions: [{ fromMs: days(32), toMs: days(40) }] };

    expect([stopDecisionAskedAt(extended, days(39)), stopDecisionAskedAt(extended, days(41))]).toEqual([
      null,
      days(40),
    ]);
  });
});

describe('a warning', () => {
  test('that was handed over late puts its restriction off to a day later', () => {
    const late = warned({ handedOver: { limit_warning: days(7) } });

    expect([stageAt(late, days(8) - 1), stageAt(late, days(8))]).toEqual(['none', 'limited']);
  });

  test('that was never handed over puts it off for ever, and is due', () => {
    const { limit_warning: _, plan_end_warning: __, ...sent } = warned().handedOver;
    const silent = unpaid({ handedOver: sent });

    expect(stageAt(silent, days(100))).toBe('none');
    expect(standingOf(silent, [], days(100)).dueNotices).toEqual(['limit_warning']);
  });

  test('of the end is not sent before the limit is in force, so that nobody who slept skips a step', () => {
    expect(mailsOf(unpaid(), days(20), days(40))).toEqual(['20 limit_warning', '21 plan_end_warning']);
  });

  test('of those that were missed together only the last is sent', () => {
    expect(mailsOf(unpaid({ policy: 'postpaid' }), days(8), days(14))).toEqual(['8 third_reminder']);
  });
});

describe('time that is not counted', () => {
  const outage: Interval = { fromMs: days(2), toMs: days(5) };
  const shifted = {
    handedOver: { limit_warning: days(6), plan_end_warning: days(13) } satisfies Partial<Record<Notice, number>>,
  };

  test('an incident of three days moves every later step by three days', () => {
    expect([stageAt(warned(), days(10) - 1, [outage]), stageAt(warned(), days(10), [outage])]).toEqual([
      'none',
      'limited',
    ]);
  });

  test('two incidents at once count once', () => {
    const incidents = [outage, { fromMs: days(3), toMs: days(4) }];

    expect(stageAt(warned(), days(10), incidents)).toBe('limited');
  });

  test('while the outcome of a charge is unknown nothing is held against anybody', () => {
    const doubt = attempt(days(1), { doubtfulAtMs: days(1) });
    const known = { ...doubt, answer: { atMs: days(4), decline: softDecline } };

    expect(stageAt(warned({ attempts: [doubt] }), days(300))).toBe('none');
    expect(stageAt(warned({ attempts: [known] }), days(10) - 1)).toBe('none');
    expect(stageAt(warned({ attempts: [known] }), days(10))).toBe('limited');
  });

  test('nobody is mailed, limited or stopped in the middle of it', () => {
    const incident: Interval = { fromMs: days(5), toMs: null };

    expect(standingOf(unpaid(), [incident], days(6))).toMatchObject({ dueNotices: [], nextMs: null });
    expect(stageAt(warned({ handedOver: { limit_warning: days(6) } }), days(9), [incident])).toBe('none');
    expect(stageAt(warned(shifted), days(9), [{ fromMs: days(8), toMs: null }])).toBe('limited');
  });

  test('M33: a charge under way at the last moment is waited for, and then it is too late by no more than that', () => {
    const asked = attempt(days(14) - 1_000);
    const declined = { ...asked, answer: { atMs: days(14) + 2_000, decline: softDecline } };

    expect(stageAt(warned({ attempts: [asked] }), days(14) + 1_999)).toBe('limited');
    expect(stageAt(warned({ attempts: [declined] }), days(14) + 2_000)).toBe('limited, plan ends');
  });
});

describe('an extension', () => {
  const extension = { fromMs: days(8), toMs: days(12) };

  test('lifts the limit until its day, and then things go on where they were', () => {
    const invoice = warned({ extensions: [extension], handedOver: { plan_end_warning: days(17) } });

    expect(
      [days(8) - 1, days(8), days(12) - 1, days(12), days(18) - 1, days(18)].map((ms) => stageAt(invoice, ms)),
    ).toEqual(['limited', 'none', 'none', 'limited', 'limited', 'limited, plan ends']);
    expect(standingOf(invoice, [], days(13)).sinceMs).toBe(days(12));
  });

  test('takes back an earlier decision to stop', () => {
    const invoice = warned({ policy: 'postpaid', stopDecidedAtMs: days(31) });
    const extended = { ...invoice, extensions: [{ fromMs: days(32), toMs: days(40) }] };

    expect(stageAt(extended, days(50))).toBe('limited');
    expect(standingOf(extended, [], days(40)).dueNotices).toEqual(['stop_decision_late']);
    expect(stageAt({ ...extended, stopDecidedAtMs: days(45) }, days(50))).toBe('stopped');
  });
});

test('what a person skipped to is where the ladder stands, and its warning still comes a day before', () => {
  const skipped = unpaid({ ladder: { atMs: days(2), afterMs: days(7) }, handedOver: { first_reminder: 0 } });
  const told = { ...skipped, handedOver: { ...skipped.handedOver, limit_warning: days(2) } };

  expect(standingOf(skipped, [], days(2))).toMatchObject({ stage: 'none', dueNotices: ['limit_warning'] });
  expect([stageAt(told, days(3) - 1), stageAt(told, days(3))]).toEqual(['none', 'limited']);
  expect(standingOf(told, [], days(8) + HOUR_MS).dueNotices).toEqual(['plan_end_warning']);
});

test('what is waived restricts nobody, at any stage', () => {
  const stopped = warned({ policy: 'postpaid', stopDecidedAtMs: days(31) });

  expect(stageAt(stopped, days(40))).toBe('stopped');
  expect(standingOf({ ...stopped, waived: true }, [], days(40))).toMatchObject({ stage: 'none', dueNotices: [] });
});
