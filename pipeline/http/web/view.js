// Drawing: values into elements. Every word of a transcript is put in as text, never as markup.

/** Set an element's text, if it is another. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** The conversation. Elements are reused from one drawing to the next, so that only what changed moves. */
export function drawTranscript(list, utterances) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  while (list.children.length > utterances.length) list.lastChild.remove();
  utterances.forEach((utterance, index) => {
    const item = list.children[index] ?? list.appendChild(newItem());
    item.className = `utterance ${utterance.speaker}${utterance.live ? " live" : ""}`;
    const [who, when, words, mark] = item.children;
    put(who, utterance.speaker === "caller" ? "You" : "Examiner");
    put(when, utterance.started === null || utterance.started === undefined ? "" : clock(utterance.started));
    put(words, utterance.text);
    put(mark, [utterance.interrupted ? "cut off" : "", utterance.partial ? "may be incomplete" : ""].filter(Boolean).join(", "));
    mark.hidden = !mark.textContent;
  });
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function newItem() {
  const item = make("li");
  item.append(make("span", "who"), make("span", "when"), make("p", "words"), make("span", "mark"));
  return item;
}

export function drawSteps(element, asked, questions) {
  if (!questions || questions > 24) return element.replaceChildren();
  while (element.children.length < questions) element.append(make("i"));
  while (element.children.length > questions) element.lastChild.remove();
  [...element.children].forEach((step, index) => step.classList.toggle("done", index < asked));
}

const SOURCES = {
  call: "Reported by the examiner",
  block: "From the examiner’s written summary",
  speech: "Heard in the examiner’s words",
  text: "Worked out from the transcript afterwards",
  early: "Reported by the examiner before the exam was over",
  computed: "Worked out from the other scores",
};

/** A sentence on a score beyond its value: whether its readings agree, repairs, refusals; "" for nothing. */
function remark(judged) {
  if (!judged) return "";
  const remarks = [];
  if (judged.agreement === "agree") remarks.push(`${judged.readings.length} readings agree`);
  if (judged.agreement === "conflict") {
    const others = judged.readings.slice(1).filter((reading) => reading.value !== judged.value);
    remarks.push(`another reading differs: ${others.map((reading) => reading.label || number(reading.value)).join(", ")}`);
  }
  if (judged.flags.includes("inconsistent")) remarks.push("it is far from what the other scores give");
  if (judged.flags.includes("repaired transcript")) remarks.push("parts of the transcript were repaired");
  if (judged.refusals.length) remarks.push("a stated value that is not on the scale was left out");
  return remarks.length ? `${sentence(remarks.join("; "))}.` : "";
}

export function drawScores(list, exam, info) {
  const names = new Set([...(info.criteria ?? []), ...exam.scores.keys(), ...exam.missing.keys()]);
  const judged = new Map((exam.verdict?.criteria ?? []).map((one) => [one.criterion, one]));
  list.replaceChildren(
    ...[...names].map((name) => scoreCard(name, exam.scores.get(name), exam.missing.get(name), judged.get(name), info)),
  );
  if (!names.size && info.final) list.append(make("li", "score none", "No score was given: there was not enough evidence."));
}

function scoreCard(name, given, missing, judged, { scale, final }) {
  const card = make("li", given ? "score" : "score none");
  card.append(make("h2", "criterion", judged?.title ? sentence(judged.title) : title(name)));
  if (!given) {
    card.append(make("p", "value", missing || final ? "Not enough evidence" : "Being worked out"));
    if (missing?.why) card.append(make("p", "source", sentence(missing.why)));
    return card;
  }
  const value = make("p", "value", given.label || number(given.value));
  if (scale) value.append(make("span", "of", ` of ${number(scale[1])}`));
  card.append(value);
  if (scale && scale[1] > scale[0]) {
    const bar = make("span", "bar");
    bar.style.setProperty("--level", String(Math.max(0, Math.min(1, (given.value - scale[0]) / (scale[1] - scale[0])))));
    bar.setAttribute("aria-hidden", "true");
    card.append(bar);
  }
  if (given.evidence) card.append(make("blockquote", "evidence", given.evidence));
  card.append(make("p", "source", SOURCES[given.source] ?? `Source: ${given.source}`));
  const more = remark(judged);
  if (more) card.append(make("p", "source remark", more));
  return card;
}

const VERDICTS = {
  complete: "Complete",
  partial: "Some are missing",
  insufficient: "Not enough evidence",
};

export function drawRecord(list, exam, { info, session, begun }) {
  const { bill, measured, ended } = exam;
  const seconds = measured?.seconds ?? ended?.at ?? (begun ? (performance.now() - begun) / 1000 : 0);
  const rows = [
    ["Cost", bill ? dollars(bill.usd) : "Not known yet", "cost", bill && costNote(bill, info)],
    ["Length", `${clock(seconds)} minutes`, "length"],
    ["Questions", exam.questions ? `${exam.asked} of ${exam.questions}` : String(exam.asked), "asked"],
  ];
  if (measured?.latency_p50 != null) rows.push(["Usual wait for a reply", `${measured.latency_p50.toFixed(1)} s`, "latency"]);
  if (exam.verdict) rows.push(["Scores", VERDICTS[exam.verdict.status] ?? exam.verdict.status, "verdict"]);
  if (info.model) rows.push(["Examiner", info.emulated ? `${info.model} (emulated)` : info.model, "model"]);
  rows.push(["Record", session, "session"]);
  list.replaceChildren(
    ...rows.map(([term, text, id, note]) => {
      const row = make("div");
      const value = make("dd", "", text);
      value.id = id;
      if (note) value.append(make("span", "note", note));
      row.append(make("dt", "", term), value);
      return row;
    }),
  );
}

function costNote(bill, info) {
  const tokens = `${Number(bill.tokens).toLocaleString("en")} tokens`;
  if (info.emulated) return `${tokens}, at the real service’s prices; the emulator charges nothing`;
  return bill.estimated ? `${tokens}, partly estimated` : tokens;
}

function dollars(usd) {
  const value = Number(usd);
  return Number.isFinite(value) ? `$${value.toFixed(value >= 1 ? 2 : 4)}` : `$${usd}`;
}

const number = (value) => (Number.isFinite(Number(value)) ? String(Math.round(Number(value) * 100) / 100) : String(value));
const title = (name) => sentence(name.replace(/[_-]+/g, " "));
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
