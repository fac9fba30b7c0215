import type { TrainerRow } from "../../../trainer.ts";
import { clock, getJson, h } from "../dom.ts";
import { verdictOf } from "../live/verdict.ts";
import type { View } from "../view.ts";

/** Shows every stack of the host and the hidden fault of its game day. It needs the token, which stays in this page. */
export function showTrainer(): View {
  const token = h("input", { type: "password", id: "token", autocomplete: "off", spellcheck: "false" });
  const form = h(
    "form",
    { class: "bar" },
    h("h1", {}, "Trainer"),
    h("label", {}, "Token", token),
    h("button", { type: "submit" }, "Show"),
  );
  const stacks = h("div", { class: "stacks" });
  const said = h(
    "p",
    { class: "lead", role: "status" },
    "With the TRAINER_TOKEN (.secrets/TRAINER_TOKEN) this page shows every stack of the host, and the hidden fault of each game day.",
  );
  let timer: ReturnType<typeof setInterval> | undefined;

  async function refresh(): Promise<void> {
    try {
      const rows = await getJson<TrainerRow[]>("/api/trainer", { authorization: `Bearer ${token.value}` });
      said.textContent = `${rows.length} ${rows.length === 1 ? "stack" : "stacks"}, looked at ${clock(Date.now())}`;
      stacks.replaceChildren(...rows.map(card));
    } catch (error) {
      clearInterval(timer);
      said.textContent = (error as Error).message;
      stacks.replaceChildren();
    }
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearInterval(timer);
    timer = setInterval(() => void refresh(), 2_000);
    void refresh();
  });
  return { element: h("div", {}, form, said, stacks), close: () => clearInterval(timer) };
}

function card({ stack, url, snapshot, games, problem }: TrainerRow): HTMLElement {
  const link = h("a", { href: url === "" ? "/" : url }, "its board");
  const { text, tone } = snapshot === null ? { text: problem, tone: "bad" } : verdictOf(snapshot);
  return h(
    "section",
    { class: "panel", "data-stack": stack, "data-tone": tone },
    h("h2", {}, stack),
    h("p", {}, text, " · ", link),
    ...games.map(({ since, phase, truth }) =>
      h(
        "div",
        { class: "truth", "data-truth": truth },
        h("p", {}, `Hidden: ${truth}`),
        h("p", {}, `since ${clock(since)}: ${phase}`),
      ),
    ),
    ...(games.length === 0 ? [h("p", { class: "calm" }, "No game day.")] : []),
  );
}
