"""Scores: the rubric, the readers of what the examiner said or sent, and the verdict on all they found."""

from core.scoring import confirming as confirming
from core.scoring import wording as wording
from core.scoring.block import BlockReader as BlockReader
from core.scoring.outcome import caller_words as caller_words
from core.scoring.outcome import events_of as events_of
from core.scoring.outcome import question as question
from core.scoring.outcome import readings_of as readings_of
from core.scoring.readings import Injected as Injected
from core.scoring.readings import Reading as Reading
from core.scoring.readings import Refused as Refused
from core.scoring.readings import Stated as Stated
from core.scoring.rubric import Criterion as Criterion
from core.scoring.rubric import Rubric as Rubric
from core.scoring.spoken_scores import SpeechReader as SpeechReader
from core.scoring.structured import CallReader as CallReader
from core.scoring.text_answer import TextReader as TextReader
from core.scoring.verdict import CriterionVerdict as CriterionVerdict
from core.scoring.verdict import Verdict as Verdict
from core.scoring.verdict import decide as decide
