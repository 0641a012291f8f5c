import { problemText } from "@onetake/player/react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { signIn } from "./api.ts";
import { useLang } from "./i18n.ts";
import { useSession } from "./session.ts";

const sessionEnded = { code: "unauthorized", title: "", detail: "", status: 401 };

export function SignIn() {
  const { lang, t } = useLang();
  const { enter, signedIn } = useSession();
  const [key, setKey] = useState("");
  const [wrong, setWrong] = useState<"badKey" | "signInFailed" | null>(null);
  const [busy, setBusy] = useState(false);

  // Nothing else is on the page, and what had the focus before may be gone.
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!key.trim() || busy) return;
    setBusy(true);
    setWrong(null);
    try {
      if (await signIn(key.trim())) return enter();
      setWrong("badKey");
    } catch {
      setWrong("signInFailed");
    }
    setBusy(false);
    field.current?.focus();
  };

  return (
    <form className="sign-in" onSubmit={submit}>
      <h1>{t.signIn}</h1>
      {signedIn && (
        <p role="alert" className="session-ended">
          {problemText(sessionEnded, lang).text}
        </p>
      )}
      <label htmlFor="api-key">{t.apiKey}</label>
      <input
        ref={field}
        id="api-key"
        type="password"
        dir="ltr"
        autoComplete="current-password"
        spellCheck={false}
        value={key}
        aria-invalid={wrong === "badKey"}
        aria-describedby={wrong ? "api-key-wrong api-key-hint" : "api-key-hint"}
        onChange={(event) => setKey(event.target.value)}
      />
      <p id="api-key-hint" className="hint">
        {t.apiKeyHint}
      </p>
      {wrong && (
        <p id="api-key-wrong" role="alert" className="wrong">
          {t[wrong]}
        </p>
      )}
      <button type="submit" className="primary" disabled={busy || !key.trim()}>
        {t.signIn}
      </button>
    </form>
  );
}
