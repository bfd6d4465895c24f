"""The REST endpoints: models, ephemeral tokens, generateContent and countTokens."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from random import Random
from typing import Any, Final

from gemini_live_emulator.protocol.functions import Marks, choose, declared, fill
from gemini_live_emulator.protocol.model_facts import MODELS, TEXT_PREFIX, bare
from gemini_live_emulator.protocol.wire import Json, a_list, an_object
from gemini_live_emulator.scenario import Scenario
from gemini_live_emulator.server.ephemeral_tokens import Tokens
from gemini_live_emulator.server.http11 import Request, Response
from gemini_live_emulator.session.fault_injector import FaultInjector, Fired
from gemini_live_emulator.session.usage import Context
from gemini_live_emulator.wording import written

BAD_KEY: Final = "API key not valid. Please pass a valid API key."
UNREGISTERED: Final = (
    "Method doesn't allow unregistered callers (callers without established identity). "
    "Please use API Key or other form of API consumer identity to call this API."
)
ENOUGH_WORDS: Final = 20

# A line such as "Candidate: ...", with a time before or after the name.
_SPEAKER = re.compile(
    r"^(?:\s*[\[(][^\])\n]*[\])])?\W*(candidate|user|caller|student|learner|speaker)\b"
    r"(?:\W*[\[(][^\])\n]*[\])])?\W*?:\s*(.*)$",
    re.I | re.M,
)
_HEARD = re.compile(r"\((\d+(?:\.\d+)?) s of speech\)")


class Rest:
    """Answers HTTP requests; knows nothing of sockets."""

    def __init__(self, scenario: Scenario, keys: set[str] | None, tokens: Tokens, fired: Fired) -> None:
        self._scenario = scenario
        self._keys = keys
        self._tokens = tokens
        self._faults = FaultInjector(scenario.faults, 0, scenario.seed, fired)
        self._dice = Random(f"rest {scenario.seed}")

    def refusal(self, key: str | None) -> Response | None:
        """Refuse a request whose key is not good."""
        if not key:
            return Response.error(403, "PERMISSION_DENIED", UNREGISTERED)
        if self._keys is None or key in self._keys:
            return None
        if key.startswith("AQ."):
            # kazunori279/interpretab: keys of this form are 401 when malformed, others 400.
            return Response.error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        return Response.error(400, "INVALID_ARGUMENT", BAD_KEY, "API_KEY_INVALID")

    def answer(self, request: Request, now: float) -> Response:
        """Answer a request."""
        refused = self.refusal(request.key)
        if refused is not None:
            return refused
        path, method = request.path, request.method
        if method == "GET" and re.search(r"/v\w+/models$", path):
            return Response.of({"models": [_describe(name) for name in MODELS]})
        if method == "GET" and (hit := re.search(r"/v\w+/(?:.*/)?models/([^/:]+)$", path)):
            if hit[1] in MODELS:
                return Response.of(_describe(hit[1]))
            return _not_found(hit[1])
        if method == "POST":
            try:
                body = _camel(request.json())
            except ValueError as error:
                text = f"Invalid JSON payload received. {error}"
                return Response.error(400, "INVALID_ARGUMENT", text)
            if re.search(r"/v\w+/auth_?tokens$", path, re.I):
                return self._tokens.mint(body, now)
            if hit := re.search(r"/models/([^/:]+):(\w+)$", path):
                return self._model(hit[1], hit[2], body, request)
        return Response.error(404, "NOT_FOUND", "Requested entity was not found.")

    def _model(self, name: str, verb: str, body: Json, request: Request) -> Response:
        if bare(name) in MODELS or not bare(name).startswith(TEXT_PREFIX):
            return _not_found(name, verb)
        if not body.get("contents"):
            return Response.error(
                400,
                "INVALID_ARGUMENT",
                "* GenerateContentRequest.contents: contents is not specified",
            )
        refusal = self._faults.refuse_text()
        if refusal is not None:
            return Response.error(refusal.status, refusal.code, refusal.message, refusal.reason)
        whole = self._generate(name, body)
        match verb:
            case "generateContent":
                return Response.of(whole)
            case "streamGenerateContent":
                parts = _stream(whole)
                if request.query.get("alt") != "sse":
                    return Response.of(parts)
                text = "".join(f"data: {json.dumps(part)}\r\n\r\n" for part in parts)
                return Response(200, text.encode(), {"content-type": "text/event-stream"})
            case "countTokens":
                prompt = whole["usageMetadata"]["promptTokenCount"]
                return Response.of({"totalTokens": prompt})
            case _:
                return Response.error(404, "NOT_FOUND", "Requested entity was not found.")

    def _generate(self, name: str, body: Json) -> Json:
        plan = self._scenario.examiner
        prompt = _texts(body.get("contents", [])) + _texts([body.get("systemInstruction") or {}])
        answers = candidate_words(_texts(body.get("contents", [])))
        marks = Marks(plan.scores, answers, len(" ".join(answers).split()) >= ENOUGH_WORDS)
        part = self._part(body, marks)
        context = Context(self._scenario.usage)
        sent = context.text_tokens(" ".join(prompt))
        made = context.text_tokens(json.dumps(part))
        return {
            "candidates": [
                {
                    "content": {"parts": [part], "role": "model"},
                    "finishReason": "STOP",
                    "index": 0,
                }
            ],
            "usageMetadata": {
                "promptTokenCount": sent,
                "candidatesTokenCount": made,
                "totalTokenCount": sent + made,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": sent}],
            },
            "modelVersion": bare(name),
            "responseId": str(uuid.UUID(int=self._dice.getrandbits(128), version=4)),
        }

    def _part(self, body: Json, marks: Marks) -> Json:
        config = an_object(body.get("toolConfig")) or {}
        calling = an_object(config.get("functionCallingConfig")) or {}
        if str(calling.get("mode", "")).upper() == "ANY":
            allowed = a_list(calling.get("allowedFunctionNames"))
            functions = [f for f in declared(body.get("tools") or []) if not allowed or f.name in allowed]
            function = choose(functions, self._scenario.examiner.function)
            if function is not None:
                call = {"name": function.name, "args": function.arguments(marks)}
                return {"functionCall": call}
        generation = an_object(body.get("generationConfig")) or {}
        schema = generation.get("responseSchema") or generation.get("responseJsonSchema")
        if schema:
            return {"text": json.dumps(fill(schema, marks))}
        scores = ", ".join(f"{name} {written(score)}" for name, score in marks.scores.items())
        return {"text": f"The scores are: {scores}." if marks.enough else "Too little was said."}


def candidate_words(texts: Sequence[str]) -> list[str]:
    """Pick what the candidate said out of a transcript in a prompt."""
    whole = "\n".join(texts)
    said = [hit[2] for hit in _SPEAKER.finditer(whole) if hit[2].strip()]
    # A scripted session hears only how long somebody spoke; 2.5 words a second stand for it.
    return [_HEARD.sub(lambda hit: "um " * int(float(hit[1]) * 2.5), text) for text in (said or texts)]


def _texts(contents: Any) -> list[str]:
    found: list[str] = []
    for content in a_list(contents) or [contents]:
        for part in a_list((an_object(content) or {}).get("parts")) or ():
            text = (an_object(part) or {}).get("text")
            if isinstance(text, str):
                found.append(text)
    return found


# Under these, keys are the caller's own words and stay as they are.
_OWN_WORDS: Final = frozenset({"properties", "args", "response", "defs", "$defs", "labels"})


def _camel(value: Any, own: bool = False) -> Any:
    """Spell the names of a request in camelCase."""
    items = a_list(value)
    if items is not None:
        return [_camel(item, own) for item in items]
    entries = an_object(value)
    if entries is None:
        return value
    return {
        (key if own else _camel_name(key)): _camel(item, key in _OWN_WORDS and not own) for key, item in entries.items()
    }


def _camel_name(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest) if rest and head else name


def _stream(whole: Json) -> list[Json]:
    part: Json = whole["candidates"][0]["content"]["parts"][0]
    text = part.get("text")
    if not isinstance(text, str) or len(text) < 2:
        return [whole]
    half = len(text) // 2
    first = json.loads(json.dumps(whole))
    first["candidates"][0]["content"]["parts"] = [{"text": text[:half]}]
    del first["candidates"][0]["finishReason"]
    second = json.loads(json.dumps(whole))
    second["candidates"][0]["content"]["parts"] = [{"text": text[half:]}]
    return [first, second]


def _describe(name: str) -> Json:
    model = MODELS[name]
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name.replace("-", " ").title(),
        "description": "Emulated; see the table of models.",
        "inputTokenLimit": model.window,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["bidiGenerateContent"],
        "thinking": True,
    }


def _not_found(name: str, verb: str = "generateContent") -> Response:
    return Response.error(
        404,
        "NOT_FOUND",
        f"models/{name} is not found for API version v1beta, or is not supported for {verb}. "
        "Call ListModels to see the list of available models and their supported methods.",
    )
