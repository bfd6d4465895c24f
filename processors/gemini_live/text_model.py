"""The text model beside the Live one: a prompt with a response schema, sent over HTTP."""

import asyncio
import json
from typing import Any

from google import genai
from google.genai import types
from loguru import logger

from core.billing.usage import TokenCounts
from core.failure import explained
from processors.gemini_live.settings import GeminiLiveSettings, api_schema
from processors.gemini_live.translate import by_modality


async def ask(
    client: genai.Client, settings: GeminiLiveSettings, prompt: str, schema: dict[str, Any]
) -> tuple[dict[str, Any], TokenCounts]:
    """The model's answer, an object of the schema, and its tokens. Raises RuntimeError in a sentence."""
    assert settings.text_model is not None
    config = types.GenerateContentConfig(
        temperature=0, response_mime_type="application/json", response_schema=api_schema(schema)
    )
    try:
        async with asyncio.timeout(settings.text_timeout):
            response = await client.aio.models.generate_content(
                model=settings.text_model, contents=prompt, config=config
            )
        answer: object = json.loads(response.text or "")
    except TimeoutError as error:
        raise RuntimeError(f"{settings.text_model} did not answer in {settings.text_timeout:g} s") from error
    except json.JSONDecodeError as error:
        raise RuntimeError(f"{settings.text_model} did not answer in JSON") from error
    except Exception as error:
        logger.opt(exception=error).warning(f"{settings.text_model} failed.")
        raise RuntimeError(f"{settings.text_model} failed: {explained(error)}") from error
    if not isinstance(answer, dict):
        raise RuntimeError(f"{settings.text_model} answered with something else than an object")
    return {str(key): value for key, value in answer.items()}, _counts(response.usage_metadata)


def _counts(usage: types.GenerateContentResponseUsageMetadata | None) -> TokenCounts:
    if usage is None:
        return TokenCounts()
    return TokenCounts(
        prompt=by_modality(usage.prompt_tokens_details),
        response=by_modality(usage.candidates_tokens_details),
        prompt_total=usage.prompt_token_count or 0,
        response_total=usage.candidates_token_count or 0,
        thoughts=usage.thoughts_token_count or 0,
    )
