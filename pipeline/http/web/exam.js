// The state of an exam as a value: recorded events and transcript fragments go in, the page draws it. No DOM here.

const SPEAKERS = ["caller", "examiner"];

export function newExam(questions = 0) {
  return {
    utterances: [], // {speaker, text, final, interim, live, started, interrupted, partial}
    tail: { caller: "", examiner: "" },
    scores: new Map(),
    missing: new Map(),
    verdict: null,
    part: "",
    asked: 0,
    questions,
    bill: null,
    measured: null,
    ended: null,
    connection: "", // to the model: "", "lost" or "given up"
    problems: [],
    away: false, // no audio comes from this browser
    echo: false, // the examiner's voice was found in the caller's microphone
  };
}

const plain = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");

function liveUtterance(exam, speaker) {
  return exam.utterances.findLast((one) => one.live && one.speaker === speaker);
}

/** A transcript fragment of an utterance that goes on. An interim one may be replaced by the next; a final one stays. */
export function fragment(exam, speaker, text, final = true) {
  if (!text) return;
  // The whole utterance may be recorded before its last words are played; those words begin no other.
  const key = plain(text);
  if (key && exam.tail[speaker].startsWith(key)) {
    exam.tail[speaker] = exam.tail[speaker].slice(key.length);
    return;
  }
  let utterance = liveUtterance(exam, speaker);
  if (!utterance) {
    if (!key) return;
    utterance = { speaker, final: "", interim: "", text: "", live: true, started: null, interrupted: false, partial: false };
    exam.utterances.push(utterance);
    exam.tail[speaker] = "";
  }
  if (final) {
    utterance.final = join(utterance.final, text);
    utterance.interim = "";
  } else {
    // Some services send the words so far, others only the new ones.
    utterance.interim = plain(text).startsWith(plain(utterance.interim)) ? text : join(utterance.interim, text);
  }
  utterance.text = join(utterance.final, utterance.interim).trim();
}

function join(before, after) {
  const gap = before && !/\s$/.test(before) && !/^[\s.,;:!?’')\]]/.test(after);
  return before + (gap ? " " : "") + after;
}

function complete(exam, data) {
  if (!SPEAKERS.includes(data.speaker)) return;
  let utterance = liveUtterance(exam, data.speaker);
  if (utterance) {
    const whole = plain(data.text), shown = plain(utterance.text);
    exam.tail[data.speaker] = whole.startsWith(shown) ? whole.slice(shown.length) : "";
  } else {
    utterance = { speaker: data.speaker };
    const later = exam.utterances.findIndex((other) => other.started !== null && other.started > data.started);
    exam.utterances.splice(later < 0 ? exam.utterances.length : later, 0, utterance);
    exam.tail[data.speaker] = plain(data.text);
  }
  Object.assign(utterance, {
    text: data.text,
    live: false,
    started: data.started,
    interrupted: Boolean(data.interrupted),
    partial: Boolean(data.partial),
  });
  return utterance;
}

/** Take in a recorded event, by the name of its class. Returns the utterance that it completed, if it did. */
export function onEvent(exam, kind, data) {
  switch (kind) {
    case "UtteranceSpoken":
      return complete(exam, data);
    case "ExamProgressed":
      exam.asked = Math.max(exam.asked, data.asked);
      exam.questions = data.questions || exam.questions;
      exam.part = data.part || exam.part;
      break;
    case "ScoreGiven":
      exam.scores.set(data.criterion, data);
      exam.missing.delete(data.criterion);
      break;
    case "ScoreMissing":
      if (!exam.scores.has(data.criterion)) exam.missing.set(data.criterion, data);
      break;
    case "VerdictGiven":
      exam.verdict = data.verdict;
      break;
    case "ConnectionLost":
      exam.connection = "lost";
      break;
    case "ConnectionOpened":
      exam.connection = "";
      break;
    case "ConnectionGivenUp":
      exam.connection = "given up";
      break;
    case "AudioStopped":
      exam.away = true;
      break;
    case "AudioResumed":
      exam.away = false;
      break;
    case "EchoDetected":
      exam.echo = true;
      break;
    case "ProblemSeen":
      exam.problems.push(data);
      break;
    case "CallBilled":
      exam.bill = data;
      break;
    case "CallMeasured":
      exam.measured = data;
      break;
    case "CallEnded":
      exam.ended = data;
      for (const utterance of exam.utterances) utterance.live = false;
      break;
  }
}

/** The exam of a whole record; what the record does not have stays as it was on the page. */
export function fromRecord(record, seen) {
  if (!Array.isArray(record?.events)) return seen;
  const exam = newExam(seen.questions);
  for (const entry of record.events) {
    const kind = entry.event ?? entry.kind;
    onEvent(exam, kind, { ...entry, ...(entry.data ?? {}) });
  }
  if (!exam.utterances.length) exam.utterances = seen.utterances;
  for (const part of ["verdict", "bill", "measured", "ended"]) exam[part] ??= seen[part];
  for (const part of ["scores", "missing"]) if (!exam[part].size) exam[part] = seen[part];
  exam.asked = Math.max(exam.asked, seen.asked);
  return exam;
}
