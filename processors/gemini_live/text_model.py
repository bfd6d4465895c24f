"""The text model beside the Live one: a prompt with a response schema, sent over HTTP."""

import asyncio
from collections.abc import Callable
from typing import Any

from google import genai
from google.genai import errors, types
from loguru import logger

from core.billing.usage import TokenCounts
from core.failure import explained
from core.text_answer import TextModelError, read_answer, refused
from processors.gemini_live.settings import GeminiLiveSettings, api_schema
from processors.gemini_live.translate import by_modality


async def ask(
    client: genai.Client,
    settings: GeminiLiveSettings,
    prompt: str,
    schema: dict[str, Any],
    charge: Callable[[TokenCounts], None],
) -> dict[str, Any]:
    """The model's answer, an object of the schema. Raises TextModelError, in a sentence.

    `charge` is called with the tokens of whatever the service answered: one that was cut off or blocked is paid, too.
    """
    model = settings.text_model
    assert model is not None
    config = types.GenerateContentConfig(
        temperature=0, response_mime_type="application/json", response_schema=api_schema(schema)
    )
    try:
        async with asyncio.timeout(settings.text_timeout):
            response = await client.aio.models.generate_content(model=model, contents=prompt, config=config)
    except TimeoutError as error:
        raise TextModelError(f"{model} did not answer in {settings.text_timeout:g} s") from error
    except errors.APIError as error:
        logger.opt(exception=error).warning(f"{model} failed.")
        raise refused(model, error.code, explained(error)) from error
    except Exception as error:
        logger.opt(exception=error).warning(f"{model} failed.")
        raise TextModelError(f"{model} failed: {explained(error)}") from error
    if response.usage_metadata is not None:
        charge(_counts(response.usage_metadata))
    first = response.candidates[0] if response.candidates else None
    finished = first.finish_reason if first is not None else None
    blocked = response.prompt_feedback.block_reason if response.prompt_feedback is not None else None
    return read_answer(
        model,
        _text(first),
        finished=finished.value if finished is not None else "",
        blocked=blocked.value if blocked is not None else "",
    )


def _text(candidate: types.Candidate | None) -> str:
    parts = candidate.content.parts if candidate is not None and candidate.content is not None else None
    return "".join(part.text for part in parts or [] if part.text and not part.thought)


def _counts(usage: types.GenerateContentResponseUsageMetadata) -> TokenCounts:
    return TokenCounts(
        prompt=by_modality(usage.prompt_tokens_details),
        response=by_modality(usage.candidates_tokens_details),
        prompt_total=usage.prompt_token_count or 0,
        response_total=usage.candidates_token_count or 0,
        thoughts=usage.thoughts_token_count or 0,
        total=usage.total_token_count or 0,
    )
