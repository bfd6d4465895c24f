// The page of an exam, from consent to record: its elements, and what it does when something happens.

import { Call, CallError, ask, askMicrophone } from "./call.js";
import { fragment, fromRecord, newExam, onEvent } from "./exam.js";
import { Meter } from "./meter.js";
import { clock, drawRecord, drawScores, drawSteps, drawTranscript, put } from "./view.js";

// Milliseconds.
const END_WITHIN = 15000;
const LAST_AUDIO = 4000; // the server hangs up once its last audio is played; it is not waited for longer
const RECORD_TRIES = 8;

const $ = (id) => document.getElementById(id);

let info = { name: "Spoken exam", model: "", emulated: false, questions: 0, minutes: 0, criteria: [], scale: null };
let exam = newExam();
let call = null; // the call in progress
let ticket = null; // {session, token} of the last call
let meter = null;
let begun = 0;
let ticking = 0;
let ending = 0;
let phase = "connecting"; // of the conversation, a key of WORDS
let peer = "new"; // the peer connection's state, or "over"
let wakeLock = null; // a phone that dims its screen during an answer mutes the microphone

const WORDS = {
  connecting: ["wait", "Calling the examiner"],
  waiting: ["wait", "Connected: the examiner is about to speak"],
  examiner: ["listen", "The examiner is speaking"],
  turn: ["turn", "Your turn: speak when you are ready"],
  caller: ["turn", "We hear you"],
  thinking: ["wait", "The examiner is thinking"],
  ending: ["wait", "Finishing: your scores are being worked out"],
  scored: ["wait", "Your scores are in: the call ends in a moment"],
};

start();

async function start() {
  readKey();
  try {
    info = await ask("/api/exam");
  } catch (error) {
    problem(error.message);
  }
  document.title = info.name;
  put($("idle-title"), info.name);
  for (const node of document.querySelectorAll('[data-exam="name"]')) put(node, info.name);
  if (info.model) put($("listener"), info.emulated ? "an emulator on this server" : info.model);
  const length = [
    info.questions ? `${info.questions} question${info.questions === 1 ? "" : "s"}` : "",
    info.minutes ? `up to ${Math.ceil(info.minutes)} minute${Math.ceil(info.minutes) > 1 ? "s" : ""}` : "",
  ].filter(Boolean);
  put($("lead"), `An examiner asks you questions aloud${length.length ? `: ${length.join(", ")}` : ""}. Answer as you would in a conversation.`);
  $("emulated").hidden = $("emulated-result").hidden = !info.emulated;
  $("begin").addEventListener("submit", onBegin);
  $("end").addEventListener("click", () => $("confirm").showModal());
  $("confirm").addEventListener("close", () => $("confirm").returnValue === "end" && finish());
  $("echo-seen").addEventListener("click", () => {
    exam.echo = false;
    draw();
  });
  $("again").addEventListener("click", () => show("idle"));
  document.addEventListener("visibilitychange", stayAwake);
  addEventListener("pagehide", () => call?.close());
  addEventListener("beforeunload", (event) => call && event.preventDefault());
}

/** The access key is in the URL's fragment, which is never sent to a server, and is removed from the address bar. */
function readKey() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key) {
    sessionStorage.setItem("key", key);
    history.replaceState(null, "", location.pathname);
  }
  $("key").value = sessionStorage.getItem("key") ?? "";
  $("key-field").hidden = Boolean($("key").value);
}

function show(view) {
  document.body.dataset.view = view;
  for (const section of document.querySelectorAll(".view")) section.hidden = section.id !== view;
  const title = $(`${view}-title`);
  title.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function problem(sentence) {
  put($("error"), sentence);
  $("error").hidden = !sentence;
  if (sentence) $("error").scrollIntoView({ block: "nearest" });
}

async function onBegin(event) {
  event.preventDefault();
  problem("");
  if (!$("consent").checked) {
    problem("Tick the box to agree before the exam can start.");
    $("consent").focus();
    return;
  }
  if (!$("key").value.trim()) {
    problem("Enter the access key that came with your link.");
    $("key-field").hidden = false;
    $("key").focus();
    return;
  }
  $("start").disabled = true;
  put($("start"), "Waiting for the microphone");
  let stream = null;
  try {
    stream = await askMicrophone();
    put($("start"), "Connecting");
    const key = $("key").value.trim();
    const session = await ask("/api/sessions", { method: "POST", token: key, body: { caller: $("caller").value, consent: true } });
    sessionStorage.setItem("key", key);
    $("key-field").hidden = true;
    ticket = { session: session.session, token: session.token };
    await dial(stream, session);
  } catch (error) {
    stream?.getTracks().forEach((track) => track.stop());
    hangUp();
    show("idle");
    if (error.status === 401) {
      sessionStorage.removeItem("key");
      $("key-field").hidden = false;
      $("key").focus();
    } else {
      $("start").focus();
    }
    problem(error instanceof CallError ? error.message : `The call could not be started (${error.message}); try again.`);
  } finally {
    $("start").disabled = false;
    put($("start"), "Start the exam");
  }
}

async function dial(stream, session) {
  exam = newExam(info.questions);
  phase = "connecting";
  peer = "new";
  begun = ending = 0;
  $("end").disabled = false;
  call = new Call(stream, { token: session.token, iceServers: session.ice_servers ?? [] });
  call.addEventListener("voice", ({ detail }) => {
    $("voice").srcObject = detail;
    $("voice").play().catch(() => problem("Your browser holds back the sound: click anywhere on the page to hear the examiner."));
  });
  call.addEventListener("connection", ({ detail }) => onConnection(detail));
  call.addEventListener("message", ({ detail }) => onMessage(detail));
  stream.getAudioTracks()[0].addEventListener("ended", () => problem("The microphone was disconnected: end the exam, connect it and start again."));
  meter = new Meter(stream, $("level"));
  ticking = setInterval(tick, 500);
  show("call");
  draw();
  stayAwake();
  await call.connect();
}

async function stayAwake() {
  if (!call || document.visibilityState !== "visible") return;
  wakeLock = await navigator.wakeLock?.request("screen").catch(() => null);
}

function onConnection(state) {
  if (peer === "over") return;
  peer = state;
  if (state === "connected") begun ||= performance.now();
  if (["left", "closed", "failed"].includes(state)) {
    peer = "over";
    if (!begun) return over("The call could not be connected: check that your network lets calls through, then start again.");
    const lost = state === "failed" || (state === "closed" && !exam.ended);
    return over(lost ? "The connection was lost: what was said until then is kept, and you can start another exam." : "");
  }
  drawStatus();
}

function onMessage({ type, data }) {
  switch (type) {
    case "bot-ready":
      if (phase === "connecting") phase = "waiting";
      break;
    case "bot-started-speaking":
      phase = "examiner";
      break;
    case "bot-stopped-speaking":
      phase = "turn";
      break;
    case "user-started-speaking":
      phase = "caller";
      break;
    case "user-stopped-speaking":
      phase = "thinking";
      break;
    case "user-transcription":
      fragment(exam, "caller", data.text, data.final);
      break;
    case "bot-tts-text":
      fragment(exam, "examiner", data.text);
      break;
    case "error":
      if (data.fatal) problem("The examiner has a technical problem: what was said until then is kept.");
      break;
    case "server-message":
      onServerMessage(data);
      break;
  }
  draw();
}

function onServerMessage({ event, ...data }) {
  const finished = onEvent(exam, event, data);
  if (finished) announce(finished);
  if (ending) ending = performance.now(); // it is still working
  if (event === "CallEnded") {
    setTimeout((ended) => call === ended && over(""), LAST_AUDIO, call);
  }
}

/** For screen readers: finished utterances only, one at a time. */
function announce({ speaker, text }) {
  const node = document.createElement("p");
  put(node, `${speaker === "caller" ? "You" : "Examiner"}: ${text}`);
  $("announcements").append(node);
  while ($("announcements").children.length > 2) $("announcements").firstChild.remove();
}

function finish() {
  if (!call || ending) return;
  ending = performance.now();
  $("end").disabled = true;
  $("call-title").focus(); // the focus may not stay on a button that is off
  drawStatus();
  if (!call.end()) over("");
}

function tick() {
  if (begun) put($("elapsed"), clock((performance.now() - begun) / 1000));
  if (ending && performance.now() - ending > END_WITHIN) return over("");
  const note = phase === "turn" && meter?.silent() ? "We hear nothing from your microphone: check that it is on and not muted." : "";
  put($("mic-note"), note);
}

function draw() {
  drawStatus();
  put($("progress"), exam.questions ? `${exam.asked} of ${exam.questions}` : String(exam.asked));
  $("progress").title = exam.part;
  drawSteps($("steps"), exam.asked, exam.questions);
  drawTranscript($("transcript"), exam.utterances);
  $("empty").hidden = exam.utterances.length > 0;
  $("echo").hidden = !exam.echo;
}

function drawStatus() {
  const quiet = phase === "turn" || phase === "thinking";
  let [tone, words] = WORDS[quiet && exam.scores.size ? "scored" : ending && phase !== "examiner" ? "ending" : phase];
  if (peer === "disconnected") [tone, words] = ["bad", "Your connection is unstable: trying to get it back"];
  else if (exam.away && !ending && !exam.ended) [tone, words] = ["bad", "We cannot hear you: your connection has stopped"];
  else if (exam.connection === "given up") [tone, words] = ["bad", "The examiner cannot be reached any more: finishing with what was said"];
  else if (exam.connection === "lost") [tone, words] = ["bad", "The connection to the examiner was lost: connecting again"];
  put($("status"), words);
  $("status").parentElement.dataset.tone = tone;
}

function hangUp() {
  clearInterval(ticking);
  meter?.stop();
  call?.close();
  wakeLock?.release().catch(() => {});
  call = meter = wakeLock = null;
  $("voice").srcObject = null;
}

/** The call is over: show what the page has, then what the record has. */
async function over(sentence) {
  if (!call) return;
  hangUp();
  if ($("confirm").open) $("confirm").close("stay");
  problem(sentence);
  if (!begun) return show("idle");
  drawResult(null);
  show("result");
  const record = await fetchRecord();
  if (record) {
    exam = fromRecord(record, exam);
    drawResult(record);
  } else {
    drawResult(null, true);
    put($("record-note"), "The record could not be fetched: what you see is what reached this page.");
  }
}

async function fetchRecord() {
  let record = null;
  for (let attempt = 0; attempt < RECORD_TRIES; attempt += 1) {
    try {
      record = await ask(`/api/sessions/${ticket.session}`, { token: ticket.token });
      if (fromRecord(record, newExam()).ended || !Array.isArray(record.events)) return record;
    } catch (error) {
      if (error.status && error.status !== 404) return record;
    }
    await new Promise((resolve) => setTimeout(resolve, 500 * (attempt + 1)));
  }
  return record;
}

const OUTCOMES = {
  completed: "The exam is complete. Thank you.",
  "caller ended": "You ended the exam. Thank you.",
  "caller left": "The exam ended early, when the call was left.",
  "time limit": "The time for this exam was up.",
  budget: "The exam ended because its budget was used up.",
  "shut down": "The exam ended because the server was stopped.",
  "connection given up": "The exam ended because the examiner could not be reached any more.",
  error: "The exam ended because of a technical problem.",
};

function drawResult(record, gaveUp = Boolean(record)) {
  put($("outcome"), OUTCOMES[exam.ended?.why] ?? (gaveUp ? "The call is over." : "The call is over: the record is being completed."));
  drawScores($("scores"), exam, { ...info, final: Boolean(exam.ended) || gaveUp });
  drawTranscript($("final-transcript"), exam.utterances);
  drawRecord($("record"), exam, { info, session: ticket.session, begun });
  put($("record-note"), record ? "" : "Fetching the record.");
  const link = $("download");
  if (link.href) URL.revokeObjectURL(link.href);
  link.hidden = !record;
  if (record) {
    link.href = URL.createObjectURL(new Blob([JSON.stringify(record, null, 2)], { type: "application/json" }));
    link.download = `exam-${ticket.session}.json`;
  }
}
