// An exam of one question with the JavaScript SDK, left after the first turn and resumed.
// Usage: node exam.mjs FOLDER_OF_NODE_MODULES BASE_URL ; prints one line of JSON.
import { createRequire } from "node:module";

const [folder, baseUrl] = process.argv.slice(2);
const { GoogleGenAI, Modality } = createRequire(folder + "/")("@google/genai");
const ai = new GoogleGenAI({ apiKey: "any", httpOptions: { baseUrl } });
const loud = Buffer.alloc(3200, Buffer.from([0, 16, 0, 240])).toString("base64");

function dial(handle) {
  const inbox = [];
  let wake = () => {};
  const config = {
    responseModalities: [Modality.AUDIO],
    inputAudioTranscription: {},
    outputAudioTranscription: {},
    sessionResumption: handle ? { handle } : {},
    realtimeInputConfig: { automaticActivityDetection: { disabled: true } },
    tools: [{ functionDeclarations: [{ name: "report_score", parameters: { type: "OBJECT", properties: { overall: { type: "NUMBER" } } } }] }],
  };
  const closed = new Promise((resolve) => {
    ai.live
      .connect({
        model: "gemini-2.5-flash-native-audio-preview-12-2025",
        config,
        callbacks: {
          onmessage: (message) => (inbox.push(message), wake()),
          onclose: (event) => resolve([event.code, event.reason]),
          onerror: (event) => resolve(["error", event.message]),
        },
      })
      .then((session) => (box.session = session, wake()));
  });
  const until = async (test) => {
    for (;;) {
      while (inbox.length) {
        const message = inbox.shift();
        box.seen.push(message);
        if (test(message)) return message;
      }
      await new Promise((resolve) => (wake = resolve));
    }
  };
  const box = { seen: [], closed, until };
  box.opened = (async () => { while (!box.session) await new Promise((resolve) => (wake = resolve)); return box; })();
  return box;
}

const said = (box) => box.seen.map((m) => m.serverContent?.outputTranscription?.text ?? "").join("").trim();
const audio = (box) => box.seen.reduce((sum, m) => sum + (m.data ? Buffer.from(m.data, "base64").length : 0), 0);

async function answer(box) {
  box.session.sendRealtimeInput({ activityStart: {} });
  box.session.sendRealtimeInput({ audio: { data: loud, mimeType: "audio/pcm;rate=16000" } });
  box.session.sendRealtimeInput({ activityEnd: {} });
}

const first = await dial().opened;
first.session.sendClientContent({ turns: "Begin.", turnComplete: true });
const over = await first.until((m) => m.serverContent?.turnComplete);
const update = await first.until((m) => m.sessionResumptionUpdate?.resumable);
first.session.close();
await first.closed;

const second = await dial(update.sessionResumptionUpdate.newHandle).opened;
await answer(second);
const call = (await second.until((m) => m.toolCall)).toolCall.functionCalls[0];
second.session.sendToolResponse({ functionResponses: [{ id: call.id, name: call.name, response: { ok: true } }] });
// 2.5 ends its turn behind the call, and another with the result.
for (let turn = 0; turn < 2; turn++) await second.until((m) => m.serverContent?.turnComplete);
second.session.close();
console.log(JSON.stringify({ opening: said(first), closing: said(second), args: call.args, audio: audio(first), usage: over.usageMetadata }));
