"""The words that make a number no score: conditions, doubts, wishes, denials, other people; tables for the grammar."""

from typing import NamedTuple

from core.scoring.cues import phrases
from core.scoring.words import wordset


class Cue(NamedTuple):
    """Words that make the numbers they govern no score.

    They govern the rest of their clause, or `far` over commas to the next contrast (`talk` also ends where the examiner
    comes to the point: "so", "I give you"), or only `reach` words, and at most so many `numbers`; and, if `back`, a
    number just before them. Some do so only when they come `first` in their sentence.
    """

    words: str
    far: bool = False
    talk: bool = False
    back: bool = True
    reach: int = 99
    numbers: int = 99
    first: bool = False


def _cues(
    words: str,
    far: bool = False,
    talk: bool = False,
    back: bool = True,
    reach: int = 99,
    numbers: int = 99,
    first: bool = False,
) -> list[Cue]:
    return [Cue(phrase.strip(), far, talk, back, reach, numbers, first) for phrase in words.split(",")]


# Of two that begin alike the first listed is found.
CUES = (
    # conditions
    *_cues(
        "if, unless, whether, suppose, imagine, pretend, hypothetically, as an example, assuming, had you, had "
        "your, should your, should you, were your, for example, for instance",
        far=True,
    ),
    *_cues(
        "on a scale, the scale, ends at, with practice, with time, with effort, with work, in no time, would have, "
        "would need, you would, you can, can be, can get, to go, i wanted, would love to, was going to, were going "
        "to, could, might, may be, should have, should aim, should get, should be aiming",
    ),
    *_cues(
        "nearly, almost",
        back=False,
        reach=5,
    ),
    *_cues(
        "considered, debated",
        back=False,
        reach=4,
    ),
    # conditions and other times at the head of a sentence
    *_cues(
        "once, as soon as, when, whenever, until, till, after the, before the, while reading, while speaking, "
        "halfway, back in, earlier, yesterday, originally, initially, in theory, on paper, strictly speaking, say "
        "your, provided, so long as, as long as, each of the, in your certificate, at your last, at your first, "
        "typically, sample, dictation, in reading, in writing, in listening, the introduction, supposing, in order "
        "to",
        far=True,
        talk=True,
        first=True,
    ),
    # doubt
    *_cues(
        "more or less, maybe, perhaps, capable, guess, doubt, refuse, missed, looks like, looked like, assume, "
        "becomes, become, by the, by next, by summer, started, started out, began, taught, starts at, initial, old, "
        "original, first impression, former, possibly, potentially, probably, likely, somewhere, in the region of, "
        "borderline, leaning, tempted, not sure, undecided, at best, at worst",
    ),
    *_cues(
        "hesitate, reluctant, either, between",
        back=False,
    ),
    *_cues(
        "something like",
        far=True,
    ),
    *_cues(
        "with more, with a bit more, with a little more, with fewer, with less, with better, with slightly, with "
        "longer",
        far=True,
        talk=True,
    ),
    # aims and needs
    *_cues(
        "need, needs, needed, require, requires, required, requirement, requirements, aim, aiming, target, goal, "
        "hope, hoping, hoped, you want, you wanted, expect, expected, expecting, reach, reaching, to achieve, to "
        "keep, to maintain, will achieve, achieving, to get, to score, to earn, to be, to obtain, to move, to push, "
        "to hit, to qualify, qualify, ready for, on your way, on the way, next time, in future, in the future, one "
        "day, soon, potential",
    ),
    # denials
    *_cues(
        "not, never",
        back=False,
        numbers=1,
    ),
    *_cues(
        "no way, by no means, far from, nobody, nowhere, neither, nor, rather than, instead of, short of, away from",
        back=False,
    ),
    *_cues(
        "getting, scoring",
    ),
    # other people, other days, other rules
    *_cues(
        "you said, you told, you mentioned, you asked, you claimed, you think, you thought, you believe, you say, "
        "you feel, you just said, you gave yourself, you put, candidates, students, learners, speakers, people, "
        "someone, anyone, somebody, everyone, universities, university, employers, average candidate, average "
        "speaker, average student, typical, another candidate, another student, a candidate, a student, native "
        "speaker, the speaker, a speaker, last candidate, next candidate, other candidate, other candidates, on "
        "average, last time, last year, last month, last week, last test, last exam, previous, previously, earlier "
        "test, used to, mock, practice test, practice exam, practice round, practice run, practice session, "
        "rehearsal, warm up, candidate before, it takes, calls for, examiners, says, your teacher, your friend, "
        "told me, according to, descriptor, descriptors, your writing, your reading, your listening, repeat after "
        "me, after me, before you, my last, my student, ago, translate, complete this, complete the, finish this, "
        "finish the, repeat the, repeat this, say this, say after me, read this, read the, this sentence, "
        "colleague, colleagues, another examiner, the gap, the difference, myself, when i was, when i did, when i "
        "took, when i sat, the other examiner, took the test, took this test, took the exam, took it, sat the test, "
        "sat it, your essay, the essay, writing score, reading score, listening score",
        far=True,
        talk=True,
    ),
    *_cues(
        "the average, average score, rarely, seldom, hardly ever, at times, at other times, sometimes, in places, "
        "first answer, second answer, that answer, this answer, your first, your second, there are, there were, "
        "weight, weighting, weighted, pass mark, passing mark, class average, group average, next level, next band, "
        "band above, level above, band below, level below, one above, one below, must be, must have, in january, in "
        "february, in march, in april, in may, in june, in july, in august, in september, in october, in november, "
        "in december, in spanish, in french, in german, in italian, in chinese, in russian, in arabic, in japanese, "
        "in your own, in your native, in your mother, cut, benchmark, counts for, count for, makes up, make up, "
        "minimum, maximum, highest, lowest",
    ),
    *_cues(
        "lost, made, noticed, counted, heard, found, spotted, caught, normally, usually, ordinarily",
        back=False,
        reach=5,
    ),
)
# "If I average those": the examiner's own sums are no conditions. "Not only", "no doubt": no denials.
EXEMPT = phrases(
    "would have to say, have to say, if i had to, correct myself, repeat myself, if i average, if we average, if i "
    "take, if we take, if you take, if i add, if i put, if i look, if we look, if you look, if i turn, if we turn, "
    "if i may, if i can, your highest, your lowest, if we are talking, if you are talking, says :, sheet says, "
    "notes say, made up of, i had you, we had you, would have no, it has to be, that has to be, as if, if you like, "
    "if anything, not only, not bad, not a problem, do not worry, to go with, going to go, are getting, be getting, "
    "are scoring, be scoring, to be fair, to be honest, to be clear, to be precise, to be exact, to be sure, i am "
    "scoring, going to be, without a doubt, without doubt, without any doubt, no doubt, beyond doubt, you can have, "
    "you can be proud, if there is one, when it comes, when i, when we, when all, once more, not far behind, not "
    "far off, could only, you qualify as, if you are curious, if you are wondering, if you want to know, if you ask "
    "me, even if, if a bit, if a little, if a touch, if slightly, if somewhat, if rather, if not, if sometimes, if "
    "occasionally, nothing less than, made it to, it should have been, that should have been, this should have "
    "been, should have said"
)
TO_THE_POINT = phrases(
    "this time, this year, so, therefore, i give, i would give, i will give, i am giving, i have given, i award, i "
    "would award, i am awarding, i would say, i would put, you get, you are getting"
)
# "You called him meticulous, and I think that deserves an eight": here, too.
DESERVING = frozenset(
    (that, *verb) for that in ("that", "this") for verb in (("deserves",), ("merits",), ("earns",), ("is", "worth"))
)
JUDGING = frozenset({("i", "think"), ("i", "believe"), ("i", "feel"), ("for", "me"), ("to", "me"), (",", "and")})
# Whoever else judges: "your last examiner gave your fluency a five", "the website says".
JUDGES = wordset(
    "examiner assessor teacher tutor marker rater interviewer professor instructor colleague friend boss mother "
    "father sister brother wife husband school college university app software website computer partner classmate "
    "supervisor trainer coach lecturer certificate guide book he she they who everyone"
)
JUDGE = wordset(
    "gave gives give awarded awards put puts marked marks rated rates scored scores judged says said say thinks "
    "thought reckons reckoned asks asked wants wanted has had got heard would told shows show"
)
# "Slow down a little, and pronunciation is an eight."
ADVICE = wordset(
    "keep add slow fix try use work practise practice read learn improve study speed speak pause stop listen record "
    "expand link vary watch take get more fewer less build avoid drop cut lose polish"
)
WILLING = wordset("happy glad pleased delighted inclined willing fair reasonable right prepared able fairer")
DECIDED = wordset("went decided settled chose gave came ended landed")
SAID_BEFORE = wordset("said told gave put had wrote called")
EARLIER = wordset("earlier before originally initially")
# What is said of a part of the exam, or of some moments of it, is no score.
PART_LED = wordset("in during at for over within")
# "Question two: grammar six"
PART_NUMBERED = wordset("question answer task part topic section")
PART_WHICH = wordset(
    "the this that your first second third last final long short opening closing other next same individual very "
    "one two three four few couple of"
)
PART_NOUNS = wordset(
    "part parts section turn task half minute minutes answer answers question questions beginning start discussion "
    "interview monologue story presentation"
)
IN_PARTS = phrases(
    "by itself, on its own, taken alone, in isolation, on a good day, on a bad day, on good days, on bad days, on "
    "better days, at its best, at its worst, at your best, at the end of, towards the end, to start with, to begin "
    "with, part one, part two, part three"
)
CONTRASTS = wordset("but however though ; yet today now")
FINDS = wordset("find found judge judged consider considered deem deemed hold held assess assessed")
MEANS = wordset("means requires demands involves implies")
# Whose "fluency" is not the caller's: "say after me: my fluency is a nine".
OTHERS = wordset("my his her their")
# "That's grammar, a six"; before any other "'s" stands who has the grammar.
NOT_OWNERS = wordset(
    "it that this here there what where how who next first second third last then now today everything test exam let"
)
SUMMING = wordset("overall final total all")
ALSO_QUESTIONS = phrases(
    "do you, did you, does, would you, could you, can you, are you, were you, have you, what is, what was, what do, "
    "what did, what would you, what made, how, why, where do, when did, who, is your, is it, should i, shall i, "
    "should we, how about"
)
# "So that is a six, okay?" is no question about the six.
TAGS = frozenset(
    {("okay",), ("ok",), ("alright",), ("all", "right"), ("is", "that", "clear"), ("yes",), ("shall", "we")}
)
POLITE = wordset("i that it this score band overall we mark grade level result which and")
SUBJECTS = wordset("i you your we it that this for the my overall")
BREAKS = wordset("you i we it they and but which that as because since with")
