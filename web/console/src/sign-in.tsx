import { type FormEvent, useEffect, useRef, useState } from "react";
import { signIn } from "./api.ts";
import { useLang } from "./i18n.ts";
import { useSession } from "./session.ts";

export function SignIn() {
  const { t } = useLang();
  const { enter } = useSession();
  const [key, setKey] = useState("");
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);

  // Nothing else is on the page, and what had the focus before may be gone.
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!key.trim() || busy) return;
    setBusy(true);
    setWrong("");
    try {
      if (await signIn(key.trim())) return enter();
      setWrong(t.badKey);
    } catch {
      setWrong(t.signInFailed);
    }
    setBusy(false);
    field.current?.focus();
  };

  return (
    <form className="sign-in" onSubmit={submit}>
      <h1>{t.signIn}</h1>
      <label htmlFor="api-key">{t.apiKey}</label>
      <input
        ref={field}
        id="api-key"
        type="password"
        dir="ltr"
        autoComplete="current-password"
        spellCheck={false}
        value={key}
        aria-invalid={wrong !== ""}
        aria-describedby="api-key-hint"
        onChange={(event) => setKey(event.target.value)}
      />
      <p id="api-key-hint" className="hint">
        {t.apiKeyHint}
      </p>
      {wrong && (
        <p role="alert" className="wrong">
          {wrong}
        </p>
      )}
      <button type="submit" className="primary" disabled={busy || !key.trim()}>
        {t.signIn}
      </button>
    </form>
  );
}
