// What is known of an exam, as a value: facts and fragments go in, the page draws what comes out. No DOM here.

const SPEAKERS = ["caller", "examiner"];

export function newExam(questions = 0) {
  return {
    lines: [], // {speaker, text, said, pending, live, started, interrupted, partial}
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
    link: "", // "", "lost" or "gave up"
    problems: [],
    echo: false, // the examiner's voice comes back through the caller's microphone
  };
}

const plain = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");

function liveLine(exam, speaker) {
  return exam.lines.findLast((line) => line.live && line.speaker === speaker);
}

/** A piece of what somebody is saying. An interim piece may be replaced by the next; a final one stays. */
export function fragment(exam, speaker, text, final = true) {
  if (!text) return;
  // The whole utterance may be known before its last words are heard; those words open no new line.
  const key = plain(text);
  if (key && exam.tail[speaker].startsWith(key)) {
    exam.tail[speaker] = exam.tail[speaker].slice(key.length);
    return;
  }
  let line = liveLine(exam, speaker);
  if (!line) {
    if (!key) return;
    line = { speaker, said: "", pending: "", text: "", live: true, started: null, interrupted: false, partial: false };
    exam.lines.push(line);
    exam.tail[speaker] = "";
  }
  if (final) {
    line.said = join(line.said, text);
    line.pending = "";
  } else {
    // Some services send the words so far, others only the new ones.
    line.pending = plain(text).startsWith(plain(line.pending)) ? text : join(line.pending, text);
  }
  line.text = join(line.said, line.pending).trim();
}

function join(before, after) {
  const gap = before && !/\s$/.test(before) && !/^[\s.,;:!?’')\]]/.test(after);
  return before + (gap ? " " : "") + after;
}

function settle(exam, data) {
  if (!SPEAKERS.includes(data.speaker)) return;
  let line = liveLine(exam, data.speaker);
  if (line) {
    const whole = plain(data.text), shown = plain(line.text);
    exam.tail[data.speaker] = whole.startsWith(shown) ? whole.slice(shown.length) : "";
  } else {
    line = { speaker: data.speaker };
    const later = exam.lines.findIndex((other) => other.started !== null && other.started > data.started);
    exam.lines.splice(later < 0 ? exam.lines.length : later, 0, line);
    exam.tail[data.speaker] = plain(data.text);
  }
  Object.assign(line, {
    text: data.text,
    live: false,
    started: data.started,
    interrupted: Boolean(data.interrupted),
    partial: Boolean(data.partial),
  });
  return line;
}

/** A recorded fact, by the name of its class. Answers the line it finished, if it finished one. */
export function fact(exam, name, data) {
  switch (name) {
    case "UtteranceSpoken":
      return settle(exam, data);
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
      exam.link = "lost";
      break;
    case "ConnectionOpened":
      exam.link = "";
      break;
    case "ConnectionGivenUp":
      exam.link = "gave up";
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
      for (const line of exam.lines) line.live = false;
      break;
  }
}

/** The exam a whole record tells of; what the record leaves out stays as it was seen. */
export function fromRecord(record, seen) {
  if (!Array.isArray(record?.events)) return seen;
  const exam = newExam(seen.questions);
  for (const entry of record.events) {
    const name = entry.event ?? entry.kind;
    fact(exam, name, { ...entry, ...(entry.data ?? {}) });
  }
  if (!exam.lines.length) exam.lines = seen.lines;
  for (const part of ["verdict", "bill", "measured", "ended"]) exam[part] ??= seen[part];
  for (const part of ["scores", "missing"]) if (!exam[part].size) exam[part] = seen[part];
  exam.asked = Math.max(exam.asked, seen.asked);
  return exam;
}
