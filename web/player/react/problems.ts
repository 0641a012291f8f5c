import type { Problem } from "../core/index.ts";
import type { Lang } from "./messages.ts";

/** The problems that have a sentence of their own, by the API's code or the player's. */
const problems = {
  en: {
    recording_gone: "This recording is gone: the provider has deleted it, or its retention time is over.",
    recording_not_found: "There is no such recording any more.",
    unreachable: "The server cannot be reached.",
    unplayable: "This browser cannot play the recording's audio format.",
    no_space: "There is no room for this recording on the server right now.",
    too_many_retries: "This recording was tried again several times just now. Wait a few minutes.",
    no_worker: "Nothing is working on the queue right now.",
    cancelled: "The fetch of this recording was cancelled.",
    unauthorized: "The session has ended. Sign in again.",
    forbidden: "You may not play this recording.",
    draining: "The server is being restarted. Try again in a moment.",
    unavailable: "Part of the server does not answer. Try again in a moment.",
    internal: "Something went wrong on the server.",
    fetch_failed: "The recording could not be fetched.",
  },
  he: {
    recording_gone: "ההקלטה איננה: הספק מחק אותה, או שתקופת השמירה שלה הסתיימה.",
    recording_not_found: "ההקלטה הזו כבר לא קיימת.",
    unreachable: "אין חיבור לשרת.",
    unplayable: "הדפדפן הזה אינו יכול לנגן את סוג השמע של ההקלטה.",
    no_space: "אין כרגע מקום להקלטה הזו בשרת.",
    too_many_retries: "ההקלטה הזו נוסתה שוב כמה פעמים ממש עכשיו. יש להמתין כמה דקות.",
    no_worker: "אף תהליך אינו מטפל בתור כרגע.",
    cancelled: "ההורדה של ההקלטה הזו בוטלה.",
    unauthorized: "ההתחברות פגה. יש להתחבר מחדש.",
    forbidden: "אין לך הרשאה לנגן את ההקלטה הזו.",
    draining: "השרת מופעל מחדש. אפשר לנסות שוב בעוד רגע.",
    unavailable: "חלק מהשרת אינו מגיב. אפשר לנסות שוב בעוד רגע.",
    internal: "אירעה תקלה בשרת.",
    fetch_failed: "לא ניתן היה להוריד את ההקלטה.",
  },
} satisfies Record<Lang, Record<string, string>>;

/** Why a fetch failed: what stands before the colon in `fetch_failed`'s detail. */
const causes = {
  en: {
    not_ready: "The provider does not have this recording yet.",
    throttled: "The provider is limiting requests.",
    unavailable: "The provider did not answer as it should.",
    unreachable: "The provider cannot be reached.",
    interrupted: "The connection to the provider broke off.",
    stalled: "The provider stopped sending.",
    timed_out: "The provider took too long.",
    unauthorized: "The provider did not accept the server's credentials.",
    forbidden: "The provider does not let the server have this recording.",
    missing: "The provider does not have this recording.",
    gone: "The provider has deleted this recording.",
    wrong_content: "What the provider sent is not a whole recording.",
    too_large: "The recording is larger than the server takes.",
    refused: "The recording lies where the server may not fetch from.",
    no_space: problems.en.no_space,
    overdue: "The recording did not come in time.",
    internal: problems.en.internal,
  },
  he: {
    not_ready: "ההקלטה עוד לא נמצאת אצל הספק.",
    throttled: "הספק מגביל את קצב הבקשות.",
    unavailable: "הספק לא השיב כצפוי.",
    unreachable: "אין חיבור לספק.",
    interrupted: "החיבור לספק נקטע.",
    stalled: "הספק הפסיק לשלוח.",
    timed_out: "הספק השתהה יותר מדי.",
    unauthorized: "הספק לא קיבל את פרטי ההזדהות של השרת.",
    forbidden: "הספק אינו מאפשר לשרת לקבל את ההקלטה הזו.",
    missing: "ההקלטה הזו אינה נמצאת אצל הספק.",
    gone: "הספק מחק את ההקלטה הזו.",
    wrong_content: "מה שהספק שלח אינו הקלטה שלמה.",
    too_large: "ההקלטה גדולה ממה שהשרת מקבל.",
    refused: "ההקלטה נמצאת במקום שאסור לשרת להוריד ממנו.",
    no_space: problems.he.no_space,
    overdue: "ההקלטה לא הגיעה בזמן.",
    internal: problems.he.internal,
  },
} satisfies Record<Lang, Record<string, string>>;

const sentence = (of: Record<string, string>, name: string) => (Object.hasOwn(of, name) ? of[name] : undefined);

/** A cause as the API writes it, `stalled: connected, but did not answer`, in words; undefined: none that is known. */
export const causeText = (cause: string, lang: Lang): string | undefined =>
  sentence(causes[lang], cause.split(":", 1)[0] ?? "");

/**
 * A problem in words for whoever listens, and what is left of it for whoever looks after the server: the code, with
 * the server's own words where these say more than the code.
 */
export function problemText(problem: Problem, lang: Lang): { text: string; technical: string } {
  const code = problem.status === 401 ? "unauthorized" : problem.code;
  const own = code === "fetch_failed" ? undefined : sentence(problems[lang], code);
  const text = own ?? causeText(problem.detail, lang) ?? problems[lang].fetch_failed;
  const said = own ? "" : problem.detail || problem.title;
  return { text, technical: said ? `${problem.code} · ${said}` : problem.code };
}
