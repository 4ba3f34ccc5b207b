// Which step of which lesson is shown, as the page's address. No DOM, so that it can be tested.

export const FIELDS = ["lesson", "step", "lang", "present"];
export const DEFAULT_LANGUAGE = "en";

/**
 * @param {string} search of the address @param {{lessons: Object[], languages: Object}} told the document of lessons
 * @returns {{lesson: ?string, step: number, lang: string, presents: boolean, wrong: Object[]}} `lesson` a key, null for
 *   the list of them; `step` from 0; `wrong` what the address names and there is not: {what, given}
 */
export function read(search, { lessons, languages }) {
  const given = new URLSearchParams(search);
  const wrong = [];
  const name = given.get("lesson");
  const lesson = lessons.find(({ key }) => key.toLowerCase() === name?.trim().toLowerCase()) ?? null;
  if (name && !lesson) wrong.push({ what: "lesson", given: name.slice(0, 30) });
  const wanted = given.get("step") ?? "1";
  const isThere = /^\d{1,3}$/.test(wanted) && wanted >= 1 && wanted <= (lesson?.steps.length ?? 1);
  if (lesson && !isThere) wrong.push({ what: "step", given: wanted.slice(0, 30) });
  const { lang, wrong: unknown } = languageOf(search, languages);
  wrong.push(...unknown);
  return {
    lesson: lesson?.key ?? null,
    step: lesson && isThere ? Number(wanted) - 1 : 0,
    lang,
    presents: given.get("present") === "1",
    wrong,
  };
}

/** Which language the address names; the default one, and what is wrong, where there is none such. */
export function languageOf(search, languages) {
  const lang = new URLSearchParams(search).get("lang") ?? DEFAULT_LANGUAGE;
  if (Object.hasOwn(languages, lang)) return { lang, wrong: [] };
  return { lang: DEFAULT_LANGUAGE, wrong: [{ what: "lang", given: lang.slice(0, 30) }] };
}

/** An address that shows a state, of one that shows another; what the address has beside it stays. */
export function write(search, { lesson, step, lang, presents }) {
  const written = new URLSearchParams(search);
  for (const name of FIELDS) written.delete(name);
  if (lesson !== null) {
    written.set("lesson", lesson);
    written.set("step", String(step + 1));
  }
  if (lang !== DEFAULT_LANGUAGE) written.set("lang", lang);
  if (presents) written.set("present", "1");
  const text = written.toString();
  return text && `?${text}`;
}
