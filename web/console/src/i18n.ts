import type { Run } from "@onetake/player";
import type { Lang } from "@onetake/player/react";
import { createContext, useContext } from "react";

/** Keeps a number as it is, whatever stands around it (U+2066 … U+2069). */
const leftToRight = (text: string) => `\u2066${text}\u2069`;

const en = {
  recordings: "Recordings",
  runs: "Runs",
  views: "Views",
  search: "Search by number or call ID",
  from: "from",
  to: "to",
  unknown: "unknown number",
  call: (from: string, to: string, when: string) => `call from ${from} to ${to}${when && `, ${when}`}`,
  inbound: "Inbound",
  outbound: "Outbound",
  details: "Details",
  more: "Show more",
  loading: "Loading…",
  empty: "No recordings yet",
  emptyHint: "Register one, and it can be played from here:",
  nothing: (q: string) => `Nothing begins with “${leftToRight(q)}”`,
  nothingHint: "The search looks for the beginning of a call ID or of either number.",
  noRuns: "Nothing has been fetched yet",
  noRunsHint: "A run is one fetch of one recording. The first Play makes the first.",
  listFailed: "This could not be loaded.",
  unreachable: "The server cannot be reached.",
  reload: "Load again",
  states: { remote: "At the provider", fetching: "Fetching", ready: "Ready", failed: "Failed", gone: "Gone" },
  statuses: { queued: "Queued", running: "Running", completed: "Completed", failed: "Failed", cancelled: "Cancelled" },
  reasons: { queued: "in the queue", not_ready: "not ready yet", throttled: "throttled", retrying: "retrying" },
  callId: "Call ID",
  recordingId: "Recording ID",
  provider: "Provider",
  source: "Source",
  media: "Audio",
  channels: (n: number) => (n === 1 ? "1 channel" : `${n} channels`),
  newestRun: "Newest run",
  attempt: (n: number, max: number | null) => (max ? `attempt ${n} of ${max}` : `attempt ${n}`),
  attempts: "Attempts",
  received: "Received",
  reason: "Reason",
  created: "Created",
  took: "Took",
  status: "Status",
  signIn: "Sign in",
  signOut: "Sign out",
  apiKey: "API key",
  apiKeyHint: "The key of your tenant. It is exchanged for a session and not kept in this browser.",
  badKey: "This key is not valid.",
  signInFailed: "The server cannot be reached. Try again in a moment.",
};

const he: typeof en = {
  recordings: "הקלטות",
  runs: "הורדות",
  views: "תצוגות",
  search: "חיפוש לפי מספר או מזהה שיחה",
  from: "מ־",
  to: "אל",
  unknown: "מספר לא ידוע",
  call: (from, to, when) => `שיחה מ־${from} אל ${to}${when && `, ${when}`}`,
  inbound: "נכנסת",
  outbound: "יוצאת",
  details: "פרטים",
  more: "הצג עוד",
  loading: "טוען…",
  empty: "אין עדיין הקלטות",
  emptyHint: "רושמים הקלטה, ומכאן אפשר לנגן אותה:",
  nothing: (q) => `אין דבר שמתחיל ב־״${leftToRight(q)}״`,
  nothingHint: "החיפוש מוצא התחלה של מזהה שיחה או של אחד המספרים.",
  noRuns: "עוד לא הורד דבר",
  noRunsHint: "כל שורה היא הורדה אחת של הקלטה אחת. הנגינה הראשונה יוצרת את הראשונה.",
  listFailed: "הטעינה לא הצליחה.",
  unreachable: "אין חיבור לשרת.",
  reload: "טען שוב",
  states: { remote: "אצל הספק", fetching: "בהורדה", ready: "מוכנה", failed: "נכשלה", gone: "איננה" },
  statuses: { queued: "בתור", running: "פעילה", completed: "הושלמה", failed: "נכשלה", cancelled: "בוטלה" },
  reasons: { queued: "בתור", not_ready: "עוד לא מוכנה", throttled: "הספק מגביל", retrying: "ניסיון חוזר" },
  callId: "מזהה שיחה",
  recordingId: "מזהה הקלטה",
  provider: "ספק",
  source: "מקור",
  media: "שמע",
  channels: (n) => (n === 1 ? "ערוץ אחד" : `${n} ערוצים`),
  newestRun: "הורדה אחרונה",
  attempt: (n, max) => (max ? `ניסיון ${n} מתוך ${max}` : `ניסיון ${n}`),
  attempts: "ניסיונות",
  received: "התקבל",
  reason: "סיבה",
  created: "נוצרה",
  took: "משך",
  status: "מצב",
  signIn: "התחברות",
  signOut: "יציאה",
  apiKey: "מפתח API",
  apiKeyHint: "המפתח של הדייר שלך. הוא מוחלף בהתחברות ואינו נשמר בדפדפן.",
  badKey: "המפתח אינו תקף.",
  signInFailed: "אין חיבור לשרת. נסו שוב בעוד רגע.",
};

export type Messages = typeof en;
const all: Record<Lang, Messages> = { en, he };

/** `?lang=`, then the first of the browser's languages that we speak. */
export function chosenLang(search: string, preferred: readonly string[]): Lang {
  const wanted = [new URLSearchParams(search).get("lang") ?? "", ...preferred].map((tag) =>
    tag.slice(0, 2).toLowerCase(),
  );
  // Some browsers still say "iw" for Hebrew.
  const spoken = wanted.map((tag) => (tag === "iw" ? "he" : tag)).find((tag) => tag === "en" || tag === "he");
  return (spoken as Lang | undefined) ?? "en";
}

export const messagesOf = (lang: Lang): Messages => all[lang];

export const LangContext = createContext<{ lang: Lang; choose: (lang: Lang) => void }>({
  lang: "en",
  choose: () => {},
});

export function useLang() {
  const { lang, choose } = useContext(LangContext);
  return { lang, choose, t: messagesOf(lang) };
}

/** Day and time; the year only where it is not this one. */
export function when(time: string | null | undefined, lang: Lang): string {
  if (!time) return "";
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "";
  const parts: Intl.DateTimeFormatOptions = { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" };
  if (date.getFullYear() !== new Date().getFullYear()) parts.year = "numeric";
  return new Intl.DateTimeFormat(lang, parts).format(date);
}

export function size(bytes: number, lang: Lang): string {
  const [value, unit] =
    bytes >= 1e6 ? [bytes / 1e6, "megabyte"] : bytes >= 1e3 ? [bytes / 1e3, "kilobyte"] : [bytes, "byte"];
  return new Intl.NumberFormat(lang, {
    style: "unit",
    unit,
    unitDisplay: unit === "byte" ? "long" : "short",
    maximumFractionDigits: value < 10 ? 1 : 0,
  }).format(value);
}

/** How long a run has taken; nothing while it goes on. */
export function took(run: Run, lang: Lang): string {
  const begun = Date.parse(run.started_at ?? run.created_at ?? "");
  const ended = Date.parse(run.completed_at ?? "");
  if (Number.isNaN(begun) || Number.isNaN(ended)) return "";
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return new Intl.NumberFormat(lang, { style: "unit", unit: "second", unitDisplay: "short", ...digits }).format(
    (ended - begun) / 1000,
  );
}
